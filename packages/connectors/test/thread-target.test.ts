import { afterAll, afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { PosternError } from "@postern/contracts";
import { subscribe } from "node:diagnostics_channel";
import { existsSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { outcomesOf, person } from "../src/conformance";
import type { Target } from "../src/connector";
import { sqlConnector } from "../src/index";
import { toThread } from "../src/sql/sqlite/thread-settings";
import { packError, unpackError } from "../src/thread/carried-error";
import { ThreadTarget } from "../src/thread/thread-target";
import { type SqliteHarness, sqliteHarness } from "./sqlite-harness";
import { apply, signal } from "./target-calls";
import { programOf, threadProgram } from "./thread-program";

const disturbedProgram = programOf("disturbed-thread-entry.ts");
const slowStartProgram = programOf("slow-start-thread-entry.ts");
/** Threads of this process that are running. */
const alive = new Set<Worker>();
let mostAlive = 0;
let started = 0;
subscribe("worker_threads", (message) => {
  const { worker } = message as { worker: Worker };
  alive.add(worker);
  mostAlive = Math.max(mostAlive, alive.size);
  started += 1;
  worker.once("exit", () => alive.delete(worker));
});
afterAll(() => expect(alive.size).toBe(0));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5);
}

describe("a target in a thread", () => {
  let harness: SqliteHarness;
  let elsewhere: SqliteHarness;
  let other: Target;
  const opened: Target[] = [];
  const open = (settings: Readonly<Record<string, unknown>> = {}, program = disturbedProgram) => {
    const parsed = sqlConnector.parseSettings({ url: `sqlite:${harness.file}`, ...settings });
    const target = sqlConnector.open(parsed, { name: "hr-db", sqliteThreadProgram: program });
    opened.push(target);
    return target;
  };
  /** Opens a target with limits that the settings do not offer. */
  const openWithin = (
    startMs: number,
    silenceMs: number,
    program = disturbedProgram,
    restMs = 60_000,
  ) => {
    const settings = toThread(sqlConnector.parseSettings({ url: `sqlite:${harness.file}` }));
    const start = { name: "hr-db", settings };
    const target = new ThreadTarget({
      kind: "sql",
      hasInbox: true,
      maxBatchItems: 1_000,
      thread: { program, start, startMs, silenceMs, restMs },
      quickProbe: async () => undefined,
    });
    opened.push(target);
    return target;
  };
  const release = (): string => `${harness.file}.release`;
  const block = (id = "blocked") => person(id, 1, { display_name: `BLOCK UNTIL ${release()}` });
  const reached = () => until(() => existsSync(`${release()}.reached`));
  beforeEach(() => {
    harness = sqliteHarness();
    elsewhere = sqliteHarness();
    other = elsewhere.open();
  });
  afterEach(async () => {
    writeFileSync(release(), "");
    await Promise.allSettled([...opened.splice(0), other].map((target) => target.close()));
    await until(() => alive.size === 0);
    await harness.close();
    await elsewhere.close();
  });

  test("does not disturb the loop or other targets while another program holds the database's lock", async () => {
    const target = open({ lockTimeoutMs: 60_000 }, threadProgram);
    await apply(target, person("ann", 1));
    harness.database.exec("begin immediate");
    let done = false;
    const waiting = apply(target, person("ann", 2, { age: 2 })).finally(() => (done = true));
    const end = performance.now() + 3_000;
    let batches = 0;
    while (performance.now() < end) {
      batches += 1;
      expect(outcomesOf(await apply(other, person("bob", batches, { age: batches })))).toEqual([
        "applied",
      ]);
    }
    expect([done, batches > 10]).toEqual([false, true]);
    harness.database.exec("commit");
    expect(outcomesOf(await waiting)).toEqual(["applied"]);
  });

  test("does not disturb the loop or other targets while a statement does not return", async () => {
    const target = open();
    let done = false;
    const waiting = apply(target, block()).finally(() => (done = true));
    await reached();
    for (let version = 1; version <= 20; version += 1) {
      expect(outcomesOf(await apply(other, person("bob", version, { age: version })))).toEqual([
        "applied",
      ]);
    }
    expect(done).toBe(false);
    writeFileSync(release(), "");
    expect(outcomesOf(await waiting)).toEqual(["applied"]);
  });

  test("notices an abort during a statement before the next side effect", async () => {
    const target = open();
    const stop = new AbortController();
    const reason = new Error("the lane's lock was lost");
    const waiting = target.apply([block()], { signal: stop.signal });
    await reached();
    stop.abort(reason);
    writeFileSync(release(), "");
    await expect(waiting).rejects.toBe(reason);
    expect(await harness.people()).toEqual([]);
    expect(outcomesOf(await apply(target, person("ann", 1)))).toEqual(["applied"]);
  });

  test.each([
    ["EXIT", "exit code 3"],
    ["MEMORY", "ERR_WORKER_OUT_OF_MEMORY"],
  ])(
    "fails the batch whose thread ends (%s), and runs the next one in another thread",
    async (how, why) => {
      const target = open();
      await apply(target, person("ann", 1));
      const results = await apply(
        target,
        person("bob", 1),
        person("cid", 1, { display_name: how }),
      );
      expect(outcomesOf(results)).toEqual([
        "failed transient internal",
        "failed transient internal",
      ]);
      expect(JSON.stringify(results)).toContain(why);
      expect((await harness.people()).map((row) => row.id)).toEqual(["ann"]);
      expect(outcomesOf(await apply(target, person("bob", 1)))).toEqual(["applied"]);
      expect(await target.probe({ signal })).toMatchObject({ reachable: true });
    },
  );

  test("reports target-down if the thread cannot be started", async () => {
    const target = open({}, `${harness.file}.none.js`);
    expect(outcomesOf(await apply(target, person("ann", 1)))).toEqual([
      "failed target-down target-unreachable",
    ]);
    expect(await target.probe({ signal })).toMatchObject({
      reachable: false,
      reason: expect.stringContaining("could not be started"),
    });
  });

  test("gives up a thread that is silent for too long, and starts no other one meanwhile", async () => {
    const target = openWithin(60_000, 3_000);
    expect(outcomesOf(await apply(target, person("ann", 1)))).toEqual(["applied"]);
    expect(outcomesOf(await apply(target, block()))).toEqual(["failed target-down target-timeout"]);
    expect(outcomesOf(await apply(target, person("bob", 1)))).toEqual([
      "failed target-down target-timeout",
    ]);
    writeFileSync(release(), "");
    let outcome = "";
    while (outcome !== "applied") {
      [outcome = ""] = outcomesOf(await apply(target, person("bob", 1)));
      await delay(5);
    }
    expect((await harness.people()).map((row) => row.id)).toEqual(["ann", "bob"]);
  });

  test("finishes a batch that takes longer than the silence limit, as long as its statements return", async () => {
    const target = openWithin(60_000, 3_000);
    // Items that set different columns need separate statements.
    const columns = [
      {},
      { age: 1 },
      { enabled: true },
      { age: 1, enabled: true },
      { manager_id: null },
    ];
    const slow = columns.map((values, index) =>
      person(`slow${index}`, 1, { display_name: "TAKE 900", ...values }),
    );
    const began = performance.now();
    expect(outcomesOf(await apply(target, ...slow))).toEqual(slow.map(() => "applied"));
    expect(performance.now() - began).toBeGreaterThan(4_000);
  });

  test("waits for a thread that is slow to start, however short the statement timeout", async () => {
    const target = open({ lockTimeoutMs: 10, statementTimeoutMs: 100 }, slowStartProgram);
    expect(outcomesOf(await apply(target, person("ann", 1)))).toEqual(["applied"]);
  });

  test("ends a thread that does not become ready, and writes nothing of its batch", async () => {
    const target = openWithin(100, 60_000, slowStartProgram);
    expect(outcomesOf(await apply(target, person("ann", 1)))).toEqual([
      "failed target-down target-unreachable",
    ]);
    await until(() => alive.size === 0);
    expect(await harness.people()).toEqual([]);
  });

  test("can be closed while it works, and reports a statement that is still running", async () => {
    const target = open();
    const waiting = apply(target, block());
    await reached();
    await expect(target.close()).rejects.toMatchObject({ code: "target-timeout" });
    expect(outcomesOf(await waiting)).toEqual(["failed transient internal"]);
    writeFileSync(release(), "");
    await until(() => alive.size === 0);
    await target.close();
    expect(await harness.people()).toEqual([]);
  });

  test("lets an idle thread leave, and starts another one for the next batch", async () => {
    const target = openWithin(60_000, 60_000, threadProgram, 20);
    for (let version = 1; version <= 3; version += 1) {
      expect(outcomesOf(await apply(target, person("ann", version, { age: version })))).toEqual([
        "applied",
      ]);
      await until(() => alive.size === 0);
    }
    expect(target.hasThread).toBe(false);
    expect(await target.probe({ signal })).toMatchObject({ reachable: true });
  });

  test("runs batches that come before, while and after a thread leaves once, in one thread at a time", async () => {
    const target = openWithin(60_000, 60_000, threadProgram, 1);
    [mostAlive, started] = [0, 0];
    // On any machine, some waits end before the thread leaves, some after, and most in between.
    for (let round = 1; round <= 24; round += 1) {
      const both = [
        apply(target, person("ann", round, { age: round })),
        apply(target, person("bob", round, { age: round })),
      ];
      expect((await Promise.all(both)).map(outcomesOf)).toEqual([["applied"], ["applied"]]);
      if (round % 2 === 0) await delay(round / 4);
      else await until(() => target.hasThread === false || round % 4 === 1);
    }
    expect([mostAlive, started > 1]).toEqual([1, true]);
    expect((await harness.people()).map((row) => row.age)).toEqual([24, 24]);
  });

  test("gives up a thread that cannot close its file, and starts no other one meanwhile", async () => {
    const target = openWithin(60_000, 3_000, disturbedProgram, 20);
    const closing = person("ann", 1, { display_name: `CLOSE AFTER ${release()}` });
    expect(outcomesOf(await apply(target, closing))).toEqual(["applied"]);
    await reached();
    expect(target.hasThread).toBe(true);
    expect(outcomesOf(await apply(target, person("bob", 1)))).toEqual([
      "failed target-down target-timeout",
    ]);
    writeFileSync(release(), "");
    await until(() => !target.hasThread);
    expect(outcomesOf(await apply(target, person("bob", 1)))).toEqual(["applied"]);
  });

  test("can be closed while its thread leaves", async () => {
    const target = openWithin(60_000, 60_000, disturbedProgram, 20);
    await apply(target, person("ann", 1, { display_name: `CLOSE AFTER ${release()}` }));
    await reached();
    const closed = target.close();
    writeFileSync(release(), "");
    await closed;
    expect(alive.size).toBe(0);
    expect(outcomesOf(await apply(target, person("bob", 1)))).toEqual([
      "failed target-down target-unreachable",
    ]);
  });

  test("probes without a thread while nothing suggests a problem, unless the probe is thorough", async () => {
    const target = open();
    const probe = await target.probe({ signal });
    expect(probe).toMatchObject({ reachable: true, product: expect.stringMatching(/^SQLite \d/) });
    expect(alive.size).toBe(0);
    const thorough = await target.probe({ signal, thorough: true });
    expect(thorough).toMatchObject({ reachable: true, product: probe.product });
    expect(alive.size).toBe(1);
  });

  test("probes in the thread for problems that a quick probe cannot see", async () => {
    writeFileSync(`${harness.file}.text`, "this is not a database, whatever its name says");
    for (const [url, reason] of [
      [`sqlite:${harness.file}.none`, /no file/],
      [`sqlite:${harness.file}.text`, /not a database/],
    ] as const) {
      const target = open({ url });
      expect(outcomesOf(await apply(target, person("ann", 1)))).toEqual([
        expect.stringMatching(/^failed target-down /),
      ]);
      expect(await target.probe({ signal })).toMatchObject({
        reachable: false,
        reason: expect.stringMatching(reason),
      });
    }
  });

  test("does not answer a probe while a statement does not return", async () => {
    const target = open();
    const waiting = apply(target, block());
    await reached();
    const stop = new AbortController();
    const probing = target.probe({ signal: stop.signal });
    expect(await Promise.race([probing, delay(1_000, "no answer")])).toBe("no answer");
    stop.abort();
    expect(await probing).toMatchObject({ reachable: false });
    writeFileSync(release(), "");
    expect(outcomesOf(await waiting)).toEqual(["applied"]);
  });

  test("starts no thread before it is used, and leaves none behind when it is closed while idle", async () => {
    const target = open();
    expect(alive.size).toBe(0);
    await apply(target, person("ann", 1));
    expect(alive.size).toBe(1);
    await target.close();
    expect(alive.size).toBe(0);
  });
});

test("an error that is sent between threads keeps its class, code, details and causes", () => {
  const cause = Object.assign(new TypeError("below"), { code: "ERR_BELOW" });
  const error = new PosternError("target-busy", "wait", { cause, details: { table: "people" } });
  const carried = unpackError(structuredClone(packError(error)));
  expect(carried).toBeInstanceOf(PosternError);
  expect(carried).toMatchObject({ code: "target-busy", message: "wait", stack: error.stack });
  expect(carried).toHaveProperty("details", { table: "people" });
  expect(carried.cause).toMatchObject({ name: "TypeError", message: "below", code: "ERR_BELOW" });
  expect(unpackError(structuredClone(packError("just text")))).toMatchObject({
    message: "just text",
  });
});
