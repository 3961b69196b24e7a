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

test("a file that may be read and written looks usable, however often it is looked at", async () => {
  const looks = await Promise.all(Array.from({ length: 20 }, () => fileLooksUsable(file)));
  expect(looks.every((usable) => usable)).toBe(true);
});

test("no file, a folder and a file in a file do not", async () => {
  mkdirSync(path.join(directory, "folder"));
  const places = [undefined, `${file}.none`, path.join(directory, "folder"), `${file}/below`];
  expect(await Promise.all(places.map((place) => fileLooksUsable(place)))).toEqual(
    places.map(() => false),
  );
});
