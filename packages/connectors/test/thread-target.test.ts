import { afterAll, afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { PosternError } from "@postern/contracts";
import { subscribe } from "node:diagnostics_channel";
import { existsSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { person } from "../src/conformance";
import type { ApplyItem, ApplyResult, Target } from "../src/connector";
import { sqlConnector } from "../src/index";
import { toThread } from "../src/sql/sqlite/thread-settings";
import { packError, unpackError } from "../src/thread/carried-error";
import { ThreadTarget } from "../src/thread/thread-target";
import { type SqliteHarness, sqliteHarness } from "./sqlite-harness";
import { programOf, threadProgram } from "./thread-program";

const disturbedProgram = programOf("disturbed-thread-entry.ts");
const slowStartProgram = programOf("slow-start-thread-entry.ts");
const never = new AbortController().signal;
const apply = (target: Target, ...items: ApplyItem[]) => target.apply(items, { signal: never });
const told = (results: readonly ApplyResult[]): string[] =>
  Array.from(results, (result) =>
    "failure" in result
      ? `${result.outcome} ${result.failure.class} ${result.failure.code}`
      : result.outcome,
  );

/** Threads of this process that have been started and have not ended. */
const alive = new Set<Worker>();
subscribe("worker_threads", (message) => {
  const { worker } = message as { worker: Worker };
  alive.add(worker);
  worker.once("exit", () => alive.delete(worker));
});
afterAll(() => expect(alive.size).toBe(0));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5);
}

describe("a target in a thread of its own", () => {
  let harness: SqliteHarness;
  let elsewhere: SqliteHarness;
  let other: Target;
  const opened: Target[] = [];
  const open = (settings: Readonly<Record<string, unknown>> = {}, program = disturbedProgram) => {
    const parsed = sqlConnector.parseSettings({ url: `sqlite:${harness.file}`, ...settings });
    const target = sqlConnector.open(parsed, { name: "hr-db", threadProgram: program });
    opened.push(target);
    return target;
  };
  /** With limits that the settings do not offer. */
  const openWithin = (startMs: number, silenceMs: number, program = disturbedProgram) => {
    const settings = toThread(sqlConnector.parseSettings({ url: `sqlite:${harness.file}` }));
    const start = { driver: "sqlite", name: "hr-db", settings } as const;
    const target = new ThreadTarget({
      kind: "sql",
      hasInbox: true,
      maxBatchItems: 1_000,
      thread: { program, start, startMs, silenceMs },
    });
    opened.push(target);
    return target;
  };
  const release = (): string => `${harness.file}.release`;
  const standStill = (id = "still") =>
    person(id, 1, { display_name: `STAND STILL UNTIL ${release()}` });
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

  test("while another program holds the database's lock, the loop turns and other targets work", async () => {
    const target = open({ lockTimeoutMs: 60_000 }, threadProgram);
    await apply(target, person("ann", 1));
    harness.database.exec("begin immediate");
    let done = false;
    const waiting = apply(target, person("ann", 2, { age: 2 })).finally(() => (done = true));
    const end = performance.now() + 3_000;
    let batches = 0;
    while (performance.now() < end) {
      batches += 1;
      expect(told(await apply(other, person("bob", batches, { age: batches })))).toEqual([
        "applied",
      ]);
    }
    expect([done, batches > 10]).toEqual([false, true]);
    harness.database.exec("commit");
    expect(told(await waiting)).toEqual(["applied"]);
  });

  test("while a statement does not return, the loop turns and other targets work", async () => {
    const target = open();
    let done = false;
    const waiting = apply(target, standStill()).finally(() => (done = true));
    await reached();
    for (let version = 1; version <= 20; version += 1) {
      expect(told(await apply(other, person("bob", version, { age: version })))).toEqual([
        "applied",
      ]);
    }
    expect(done).toBe(false);
    writeFileSync(release(), "");
    expect(told(await waiting)).toEqual(["applied"]);
  });

  test("a stop that comes while a statement does not return is seen before the next side effect", async () => {
    const target = open();
    const stop = new AbortController();
    const reason = new Error("the lane's lock was lost");
    const waiting = target.apply([standStill()], { signal: stop.signal });
    await reached();
    stop.abort(reason);
    writeFileSync(release(), "");
    await expect(waiting).rejects.toBe(reason);
    expect(await harness.people()).toEqual([]);
    expect(told(await apply(target, person("ann", 1)))).toEqual(["applied"]);
  });

  test.each([
    ["EXIT", "exit code 3"],
    ["MEMORY", "ERR_WORKER_OUT_OF_MEMORY"],
  ])(
    "a thread that ends (%s) is a failure of its batch, and another takes the next",
    async (how, why) => {
      const target = open();
      await apply(target, person("ann", 1));
      const results = await apply(
        target,
        person("bob", 1),
        person("cid", 1, { display_name: how }),
      );
      expect(told(results)).toEqual(["failed transient internal", "failed transient internal"]);
      expect(JSON.stringify(results)).toContain(why);
      expect((await harness.people()).map((row) => row.id)).toEqual(["ann"]);
      expect(told(await apply(target, person("bob", 1)))).toEqual(["applied"]);
      expect(await target.probe({ signal: never })).toMatchObject({ reachable: true });
    },
  );

  test("a thread that cannot be started is a target that is down", async () => {
    const target = open({}, `${harness.file}.none.js`);
    expect(told(await apply(target, person("ann", 1)))).toEqual([
      "failed target-down target-unreachable",
    ]);
    expect(await target.probe({ signal: never })).toMatchObject({
      reachable: false,
      reason: expect.stringContaining("could not be started"),
    });
  });

  test("a thread that is silent for too long is given up, and no other is started beside it", async () => {
    const target = openWithin(60_000, 3_000);
    expect(told(await apply(target, person("ann", 1)))).toEqual(["applied"]);
    expect(told(await apply(target, standStill()))).toEqual(["failed target-down target-timeout"]);
    expect(told(await apply(target, person("bob", 1)))).toEqual([
      "failed target-down target-timeout",
    ]);
    writeFileSync(release(), "");
    let outcome = "";
    while (outcome !== "applied") {
      [outcome = ""] = told(await apply(target, person("bob", 1)));
      await delay(5);
    }
    expect((await harness.people()).map((row) => row.id)).toEqual(["ann", "bob"]);
  });

  test("a batch that takes longer than a thread may be silent is finished, as long as its statements end", async () => {
    const target = openWithin(60_000, 3_000);
    // Items that set different columns are written by statements of their own.
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
    expect(told(await apply(target, ...slow))).toEqual(slow.map(() => "applied"));
    expect(performance.now() - began).toBeGreaterThan(4_000);
  });

  test("a thread that is slow to start is waited for, however short a statement may take", async () => {
    const target = open({ lockTimeoutMs: 10, statementTimeoutMs: 100 }, slowStartProgram);
    expect(told(await apply(target, person("ann", 1)))).toEqual(["applied"]);
  });

  test("a thread that does not become ready is ended, and nothing of its batch is written", async () => {
    const target = openWithin(100, 60_000, slowStartProgram);
    expect(told(await apply(target, person("ann", 1)))).toEqual([
      "failed target-down target-unreachable",
    ]);
    await until(() => alive.size === 0);
    expect(await harness.people()).toEqual([]);
  });

  test("is closed while it works, and says so when a statement does not let go", async () => {
    const target = open();
    const waiting = apply(target, standStill());
    await reached();
    await expect(target.close()).rejects.toMatchObject({ code: "target-timeout" });
    expect(told(await waiting)).toEqual(["failed transient internal"]);
    writeFileSync(release(), "");
    await until(() => alive.size === 0);
    await target.close();
    expect(await harness.people()).toEqual([]);
  });

  test("leaves no thread behind when it is closed at rest, and starts none before it is used", async () => {
    const target = open();
    expect(alive.size).toBe(0);
    await apply(target, person("ann", 1));
    expect(alive.size).toBe(1);
    await target.close();
    expect(alive.size).toBe(0);
  });
});

test("an error keeps class, code, details and causes on its way between threads", () => {
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
