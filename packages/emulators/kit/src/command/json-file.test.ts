import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";
import { JsonFileError, readJsonFile, readTopologyFile } from "./json-file";

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "json-file-"));
  file = path.join(directory, "topology.json");
});
afterEach(() => rmSync(directory, { recursive: true }));

const Schema = z.strictObject({ queues: z.array(z.strictObject({ name: z.string().min(1) })) });

test("a byte order mark is skipped", () => {
  writeFileSync(file, '\uFEFF{"queues":[]}');
  expect(readJsonFile(file)).toEqual({ queues: [] });
  expect(readTopologyFile(file, Schema)).toEqual({ queues: [] });
});

test("a file that is not JSON is refused with the place of the error", () => {
  writeFileSync(file, '{"queues": [\n  {"name": }\n]}');
  expect(() => readJsonFile(file)).toThrow(JsonFileError);
  expect(() => readJsonFile(file)).toThrow(/^it is not JSON at line 2, column 12: /);
  expect(() => readTopologyFile(file, Schema)).toThrow(
    `${file} is not a usable topology: it is not JSON at line 2, column 12`,
  );
});

test("a missing file is refused by name", () => {
  expect(() => readTopologyFile(`${file}.missing`, Schema)).toThrow(
    /json\.missing is not a usable/,
  );
});

test("every wrong field is named", () => {
  writeFileSync(file, JSON.stringify({ queues: [{ name: "" }, { nam: "a" }] }));
  expect(() => readTopologyFile(file, Schema)).toThrow(/queues\[0\]\.name/);
  expect(() => readTopologyFile(file, Schema)).toThrow(/queues\[1\]\.name/);
});
