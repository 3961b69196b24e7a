import { readFileSync } from "node:fs";
import { PosternError, Secret } from "@postern/contracts";

/** The part of a target's settings that says where its database is. Exactly one of the two is set. */
export interface UrlSettings {
  readonly url?: Secret | undefined;
  readonly urlFile?: string | undefined;
}

/**
 * Returns the url that the settings give now. A url file is read each time.
 *
 * @throws PosternError `settings-invalid` when the url file cannot be read
 */
export function readUrl({ url, urlFile }: UrlSettings): Secret {
  if (url) return url;
  try {
    return new Secret(readFileSync(urlFile ?? "", "utf8").trim());
  } catch (error) {
    throw new PosternError("settings-invalid", `$.urlFile: ${urlFile} cannot be read`, {
      cause: error,
    });
  }
}

/** The scheme of a url; undefined when the text has none. Lower case only, as in the table of drivers. */
export function schemeOf(url: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):/.exec(url)?.[1];
}

/**
 * Returns the url that the settings give now, for a target that a driver has already opened. A target cannot change its
 * driver, because the driver decided in which thread the target works.
 *
 * @param urlProblem the driver's own check
 * @throws PosternError `settings-invalid` when the url file cannot be read or no longer holds a url of the driver
 */
export function readUrlAgain(
  settings: UrlSettings,
  urlProblem: (url: string) => string | undefined,
): Secret {
  const url = readUrl(settings);
  const problem = urlProblem(url.reveal());
  if (problem === undefined) return url;
  throw new PosternError(
    "settings-invalid",
    `$.urlFile: ${problem}, as when the target was opened; restart the agent to open another kind of database`,
  );
}
