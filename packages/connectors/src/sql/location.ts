import { readFileSync } from "node:fs";
import { PosternError, Secret } from "@postern/contracts";

/** The part of a target's settings that says where its database is: exactly one of the two is set. */
export interface UrlSettings {
  readonly url?: Secret | undefined;
  readonly urlFile?: string | undefined;
}

/**
 * The url that the settings give now: a url file is read each time.
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

/** Scheme of a url, in lower case as the table of drivers has it; undefined when the text has none. */
export function schemeOf(url: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):/.exec(url)?.[1];
}

/**
 * The url that the settings give now, for a target that a driver has opened. A target keeps to its driver: the driver
 * decided in which thread it works.
 *
 * @param urlProblem of the driver
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
