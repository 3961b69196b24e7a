import { readFileSync } from "node:fs";
import { fieldProblems, PosternError, problemText, SyncDefinition } from "@postern/contracts";
import { flawText, readYaml } from "@postern/input";
import { defaultDefinitionYaml } from "./default-definition";

/** Every key that a sync definition may hold, for "did you mean". */
const knownKeys = [
  ...[
    "id",
    "description",
    "enabled",
    "group",
    "target",
    "users",
    "groups",
    "memberships",
    "deletes",
  ],
  ...["object", "scope", "key", "columns", "from", "type", "breaker"],
  ...["windowHours", "minimum", "maximum", "percent"],
];

const MAX_FILE_BYTES = 1024 * 1024;

/**
 * Reads and checks a sync definition.
 *
 * @throws PosternError `definition-invalid` with every problem, its place and the nearest known key
 */
export function readDefinition(file: string | undefined): SyncDefinition {
  const text = file === undefined ? defaultDefinitionYaml : readText(file);
  const name = file ?? "the default definition";
  const reading = readYaml(text);
  if (reading?.ok === false)
    throw new PosternError("definition-invalid", `${name}: ${flawText(reading.flaw)}`);
  const parsed = SyncDefinition.safeParse(reading?.value);
  if (!parsed.success) {
    throw new PosternError(
      "definition-invalid",
      `${name}:\n${problemText(fieldProblems(parsed.error, knownKeys))}`,
    );
  }
  return parsed.data;
}

function readText(file: string): string {
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (error) {
    throw new PosternError(
      "definition-invalid",
      `${file}: cannot read the file (${error instanceof Error ? error.message : String(error)})`,
      { cause: error },
    );
  }
  if (content.length > MAX_FILE_BYTES)
    throw new PosternError("definition-invalid", `${file}: larger than ${MAX_FILE_BYTES} bytes`);
  return content.toString("utf8");
}
