import { mkdir, open } from "node:fs/promises";
import path from "node:path";
import type { UrlSettings } from "../location";
import { sqliteFile } from "./sqlite-url";

/**
 * Creates an empty database file, and its folder, if they do not exist. An empty file is an empty database.
 *
 * @throws PosternError `settings-invalid`
 */
export async function createDatabase(settings: UrlSettings): Promise<void> {
  const file = sqliteFile(settings);
  await mkdir(path.dirname(file), { recursive: true });
  await (await open(file, "a")).close();
}
