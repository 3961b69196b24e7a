import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { treeFingerprint } from "./tree-fingerprint.cjs";

let root: string;
const write = (name: string, text: string): void => writeFileSync(path.join(root, name), text);

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "a tree "));
  execFileSync("git", ["init", "--quiet"], { cwd: root });
  write("one.ts", "1");
  write(".gitignore", "dist/\n");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("the fingerprint of a tree changes with a text, a new file and a deleted one", () => {
  const seen = [treeFingerprint(root)];
  write("one.ts", "2");
  seen.push(treeFingerprint(root));
  write("two.ts", "2");
  seen.push(treeFingerprint(root));
  rmSync(path.join(root, "one.ts"));
  seen.push(treeFingerprint(root));
  expect(seen).not.toContain(undefined);
  expect(new Set(seen).size).toBe(4);
});

test("it does not change when a file is touched, or something ignored is built", () => {
  const before = treeFingerprint(root);
  write("one.ts", "1");
  mkdirSync(path.join(root, "dist"));
  write("dist/one.js", "1");
  expect(treeFingerprint(root)).toBe(before);
});

test("without git nothing is known to be unchanged", () => {
  rmSync(path.join(root, ".git"), { recursive: true });
  expect(treeFingerprint(root)).toBeUndefined();
});
