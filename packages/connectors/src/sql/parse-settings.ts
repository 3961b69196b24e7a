import { fieldProblems, PosternError, problemText } from "@postern/contracts";
import { driverOf } from "./drivers";
import { SqlSettings } from "./settings";

/** @throws PosternError `settings-invalid` that lists every problem; values are never repeated */
export function parseSqlSettings(settings: unknown): SqlSettings {
  const parsed = SqlSettings.safeParse(settings);
  if (!parsed.success) {
    const problems = fieldProblems(parsed.error, Object.keys(SqlSettings.shape));
    throw new PosternError("settings-invalid", problemText(problems));
  }
  if (parsed.data.url) driverOf(parsed.data.url.reveal());
  return parsed.data;
}
