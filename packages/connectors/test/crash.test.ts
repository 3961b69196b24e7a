import { expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { assertVersionsRise, person } from "../src/conformance";
import { sqliteHarness } from "./sqlite-harness";
import { programOf, threadProgram } from "./thread-program";

const program = programOf("crash-writer.ts");

/** Runs the writer for some versions, kills it, and returns the version that it started last. */
async function writeAndKill(file: string, firstVersion: number, versions: number): Promise<number> {
  const child = spawn(process.execPath, [program, file, String(firstVersion), threadProgram], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let begun = firstVersion;
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    begun = Number(text.trim().split("\n").at(-1));
    // The kill hits the writer at an arbitrary point of its work after this line.
    if (begun >= firstVersion + versions) child.kill("SIGKILL");
  });
  await new Promise((resolve) => child.on("close", resolve));
  return begun;
}

test("a writer that is killed repeatedly leaves complete batches, and a replay writes nothing twice", async () => {
  const harness = sqliteHarness();
  const target = harness.open();
  let version = 1;
  for (let kill = 0; kill < 8; kill += 1) {
    const begun = await writeAndKill(harness.file, version, 3 + kill);
    const ages = new Set((await harness.people()).map((row) => row.age));
    expect(ages.size).toBe(1);
    // The last batch is either missing or complete. Delivered again, it ends up applied exactly once.
    const batch = Array.from({ length: 30 }, (_, index) =>
      person(`p${index}`, begun, { age: begun }),
    );
    const outcomes = new Set(
      (await target.apply(batch, { signal: new AbortController().signal })).map(
        (result) => result.outcome,
      ),
    );
    expect(outcomes.size).toBe(1);
    expect(["applied", "replayed"]).toContain([...outcomes][0]);
    version = begun + 1;
  }
  const audit = await harness.audit();
  assertVersionsRise(audit);
  expect(audit.length).toBe(30 * (version - 1));
  await target.close();
  await harness.close();
});
