import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Secret } from "@postern/contracts";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { readUrl } from "./location";
import { parseSqlSettings } from "./parse-settings";
import { openPostgresEngine } from "./postgres/open-postgres";
import { sqliteFile } from "./sqlite/sqlite-url";

let directory: string;
let urlFile: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), "postern-url-"));
  urlFile = path.join(directory, "url");
});
afterAll(() => rmSync(directory, { recursive: true }));

test("a url file is read each time, and trimmed", () => {
  writeFileSync(urlFile, " sqlite:/one.db\n");
  expect(readUrl({ urlFile }).reveal()).toBe("sqlite:/one.db");
  writeFileSync(urlFile, "sqlite:///two.db");
  expect(sqliteFile({ urlFile })).toBe("/two.db");
  expect(readUrl({ url: new Secret("sqlite:/three.db") }).reveal()).toBe("sqlite:/three.db");
});

test("the error names a url file that cannot be read", () => {
  expect(() => readUrl({ urlFile: `${urlFile}.none` })).toThrow(
    `$.urlFile: ${urlFile}.none cannot be read`,
  );
});

test("an opened target rejects a url file that now names another kind of database", () => {
  writeFileSync(urlFile, "postgres://app:hunter2@db/hr");
  expect(() => sqliteFile({ urlFile })).toThrow(
    "$.urlFile: must be sqlite:/absolute/path, as when the target was opened; restart the agent",
  );
  writeFileSync(urlFile, "sqlite:/one.db");
  expect(() => openPostgresEngine(parseSqlSettings({ urlFile }), "hr-db")).toThrow(
    "$.urlFile: must be postgres://user:password@host:port/database, as when",
  );
});
