import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileLooksUsable } from "./file-check";

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "postern-look-"));
  file = path.join(directory, "people.db");
  writeFileSync(file, "");
});
afterEach(() => rmSync(directory, { recursive: true }));

test("a readable and writable file looks usable, even to many checks at the same time", async () => {
  const checks = await Promise.all(Array.from({ length: 20 }, () => fileLooksUsable(file)));
  expect(checks.every((usable) => usable)).toBe(true);
});

test("a missing file, a folder and a path below a file do not look usable", async () => {
  mkdirSync(path.join(directory, "folder"));
  const places = [undefined, `${file}.none`, path.join(directory, "folder"), `${file}/below`];
  expect(await Promise.all(places.map((place) => fileLooksUsable(place)))).toEqual(
    places.map(() => false),
  );
});
