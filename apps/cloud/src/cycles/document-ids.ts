import type { Version } from "@postern/contracts";

/** Document id of the record of a committed page. */
export function pageId(version: Version): string {
  return `page:${version}`;
}

/** Document id of a marker. Work message ids may contain characters that are not allowed in document ids. */
export function markerId(workMessageId: string): string {
  return `marker:${workMessageId.replace(/[/\\?#]/g, "_")}`;
}
