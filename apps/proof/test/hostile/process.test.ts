import { spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { workspaceRoot } from "@postern/local";
import { build } from "esbuild";
import { expressionRows } from "../../src/hostile/expression-rows";
import { graphRows } from "../../src/hostile/graph-rows";
import type { RowOutcome } from "../../src/hostile/hostile-row";
import { queueRows } from "../../src/hostile/queue-rows";
import { fileRows } from "../../src/hostile/settings-rows";

/** As infra/modules/functions.bicep starts Node. */
const HEAP_MB = 144;
/** The heap, what Node takes beside it, and two responses: one gigabyte was seen before there were bounds. */
const MOST_MB = 420;
/** Of the processor, for a row: under a second where nobody else uses the machine. */
const MOST_PROCESSOR_MS = 10_000;
/** All rows take half a minute; only a hang reaches this. */
const END_MS = 240_000;

const outcomes = new Map<string, RowOutcome>();
let last = "nothing yet";
let end: { code: number | null; errors: string; largestMb: number; leaked: string[] };

beforeAll(async () => {
  // Within the repository: the tables read the fixtures of the contracts.
  const bundle = path.join(workspaceRoot(), "apps/proof/dist/hostile-process.js");
  await build({
    entryPoints: [path.join(workspaceRoot(), "apps/proof/src/hostile/hostile-process.ts")],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node22",
    mainFields: ["module", "main"],
    external: ["@azure/functions-core", "pg-native"],
    logLevel: "silent",
  });
  end = await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MB}`, bundle], {
      cwd: workspaceRoot(),
      stdio: ["ignore", "pipe", "pipe"],
      timeout: END_MS,
      killSignal: "SIGKILL",
    });
    let errors = "";
    let largestMb = Number.POSITIVE_INFINITY;
    const leaked: string[] = [];
    child.stderr.on("data", (chunk: Buffer) => {
      errors = `${errors}${chunk.toString("utf8")}`.slice(-4_000);
    });
    createInterface({ input: child.stdout }).on("line", (text) => {
      const line = JSON.parse(text) as Partial<RowOutcome> & Record<string, unknown>;
      if (typeof line["starting"] === "string") last = line["starting"];
      else if (typeof line["largestMb"] === "number") largestMb = line["largestMb"];
      else if (typeof line["leaked"] === "string") leaked.push(line["leaked"]);
      else outcomes.set(`${line.table}: ${line.name}`, line as RowOutcome);
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, errors, largestMb, leaked }));
  });
}, END_MS + 60_000);

test("the process lives to its end, within its memory, and no token went elsewhere", () => {
  expect({ ...end, last }).toMatchObject({ code: 0, leaked: [] });
  expect(end.largestMb).toBeLessThan(MOST_MB);
});

const tables = [
  ["Graph", graphRows],
  ["queues", queueRows],
  ["expressions", expressionRows],
  ["settings files", fileRows],
  ["definition files", fileRows],
] as const;

describe.each(tables)("%s", (table, rows) => {
  test.each(rows.map(({ name, says }) => [name, says] as const))(
    "%s: refused by name, and its neighbour is taken",
    (name, says) => {
      const outcome = outcomes.get(`${table}: ${name}`);
      expect(outcome?.said).toMatch(says);
      expect(outcome?.neighbour).toBe("taken");
      expect(outcome?.processorMs).toBeLessThan(MOST_PROCESSOR_MS);
    },
  );
});
