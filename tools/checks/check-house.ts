/** Holds the sources against the rules of the house; exits with 1 and the list of findings when one is broken. */
import path from "node:path";
import { rules } from "./house-rules.ts";
import { sourceFiles } from "./source-files.ts";

/** Rules that the tree keeps already. The others are listed with `--all`, and join once nothing breaks them. */
const kept: ReadonlySet<string> = new Set(["folderCircles", "unknownThrows"]);
const all = process.argv.includes("--all");

const files = sourceFiles(path.resolve(import.meta.dirname, "../.."));
const findings = Object.entries(rules)
  .filter(([rule]) => all || kept.has(rule))
  .flatMap(([rule, check]) =>
    check(files).map(
      ({ file, line, problem }) =>
        `${file}${line === undefined ? "" : `:${line}`} ${problem} [${rule}]`,
    ),
  );
if (findings.length > 0) {
  process.stderr.write(`${findings.join("\n")}\n${findings.length} found\n`);
  process.exitCode = 1;
}
