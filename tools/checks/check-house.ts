/**
 * Holds the sources against the rules of the house; exits with 1 and the list of findings when one is broken. `--all` also holds
 * them against the rules that are not enabled yet.
 */
import path from "node:path";
import { houseRules } from "./house-rules.ts";
import { sourceFiles } from "./source-files.ts";

const files = sourceFiles(path.resolve(import.meta.dirname, "../.."));
const all = process.argv.includes("--all");
const findings = houseRules
  .filter(({ enabled }) => enabled || all)
  .flatMap(({ name, findings: find }) =>
    find(files).map(
      ({ file, line, problem }) =>
        `${file}${line === undefined ? "" : `:${line}`} ${problem} [${name}]`,
    ),
  );
if (findings.length > 0) {
  process.stderr.write(`${findings.join("\n")}\n${findings.length} found\n`);
  process.exitCode = 1;
}
