import { isAbsolute } from "node:path";
import { readUrlAgain, type UrlSettings } from "../location";

const SCHEME = "sqlite:";

export const SQLITE_URL_FORM = "sqlite:/absolute/path";

/** What is wrong with a url; undefined when it names a file. */
export function sqliteUrlProblem(url: string): string | undefined {
  if (!url.startsWith(SCHEME)) return `must be ${SQLITE_URL_FORM}`;
  const file = fileOf(url);
  if (isAbsolute(file) && !file.includes("\0")) return undefined;
  return "a sqlite url needs an absolute path (sqlite:/var/lib/app/data.db)";
}

/**
 * Returns the database file that the settings name now.
 *
 * @throws PosternError `settings-invalid` when the url file cannot be read or no longer holds a sqlite url
 */
export function sqliteFile(settings: UrlSettings): string {
  return fileOf(readUrlAgain(settings, sqliteUrlProblem).reveal());
}

/** `sqlite:///path` means `sqlite:/path`. */
function fileOf(url: string): string {
  return url.slice(SCHEME.length).replace(/^\/\/(?=\/)/, "");
}
