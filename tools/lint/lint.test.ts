import { describe, expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const root = path.resolve(__dirname, "../..");
const plantedFile = path.join(__dirname, "planted-faults.txt");

/** A bound on a hang; the run takes a second. */
const LINT_TIMEOUT_MS = 50_000;

/** The compiler refuses what these would report: modules are strict. */
const REFUSED_BY_THE_PARSER = ["no-delete-var", "no-nonoctal-decimal-escape"];

/** oxlint names a rule that ESLint and typescript-eslint share after the first. */
const bareName = (rule: string): string => rule.replace("typescript/", "");

/** `code // rule rule` → the rules that have to report the line, as `line rule`. */
function plantedFaults(): string[] {
  const lines = readFileSync(plantedFile, "utf8").split("\n");
  return lines.flatMap((line, index) => {
    const rules = line.split(" // ")[1]?.split(" ") ?? [];
    return rules.map((rule) => `${index + 1} ${bareName(rule)}`);
  });
}

/** Rules that report a line of the planted file, as `line rule`. */
function reportedFaults(): string[] {
  // A small project beside the repository, with its options: oxlint skips whatever .gitignore and node_modules hide.
  const folder = mkdtempSync(path.join(tmpdir(), "postern-lint-"));
  try {
    symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
    copyFileSync(plantedFile, path.join(folder, "planted.ts"));
    writeFileSync(path.join(folder, "other.ts"), "export interface Job {\n  id: string;\n}\n");
    const settings = { extends: path.join(root, "tsconfig.base.json"), include: ["*.ts"] };
    writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(settings));
    const config = JSON.parse(readFileSync(path.join(root, ".oxlintrc.json"), "utf8")) as object;
    const here = { ...config, overrides: [] };
    writeFileSync(path.join(folder, ".oxlintrc.json"), JSON.stringify(here));
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [
        path.join(root, "node_modules", "oxlint", "bin", "oxlint"),
        "planted.ts",
        "--format",
        "json",
      ],
      { cwd: folder, encoding: "utf8", timeout: LINT_TIMEOUT_MS },
    );
    if (!stdout.startsWith("{")) throw new Error(`oxlint printed no report: ${stdout}${stderr}`);
    const { diagnostics } = JSON.parse(stdout) as {
      diagnostics: { code?: string; message: string; labels: { span: { line: number } }[] }[];
    };
    return diagnostics.map(({ code, message, labels }) => {
      const rule = /\((.*)\)$/.exec(code ?? "")?.[1] ?? message;
      return `${labels[0]?.span.line ?? 0} ${rule}`;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("lint", () => {
  test("reports a planted fault of every rule", () => {
    const reported = new Set(reportedFaults());
    expect(plantedFaults().filter((fault) => !reported.has(fault))).toEqual([]);
  });

  test("has a planted fault for every rule that is on", () => {
    const { rules } = JSON.parse(readFileSync(path.join(root, ".oxlintrc.json"), "utf8")) as {
      rules: Record<string, unknown>;
    };
    const planted = new Set(plantedFaults().map((fault) => fault.split(" ")[1]));
    const bare = Object.keys(rules)
      .map(bareName)
      .filter((rule) => !planted.has(rule));
    expect(bare.sort()).toEqual(REFUSED_BY_THE_PARSER);
  });
});
