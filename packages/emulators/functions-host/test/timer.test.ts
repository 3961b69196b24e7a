import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Timer } from "@azure/functions";
import type { FunctionsHost } from "../src/index";
import { eventually, fixtureApp, type FixtureApp } from "./fixture-app";

interface Run {
  name: string;
  at: number;
  timer: Timer;
  retryCount?: number;
}

let fixture: FixtureApp;
beforeEach(() => {
  fixture = fixtureApp("timer-app");
});
afterEach(() => fixture.remove());

async function runsOf(
  host: FunctionsHost,
  name: string,
): Promise<{ runs: Run[]; overlapping: number }> {
  const all = (await (await fetch(`${host.functions}/api/runs`)).json()) as {
    runs: Run[];
    overlapping: number;
  };
  return { ...all, runs: all.runs.filter((run) => run.name === name) };
}

function atLeast(host: FunctionsHost, name: string, count: number): Promise<Run[]> {
  return eventually(`${count} runs of ${name}`, async () => {
    const { runs } = await runsOf(host, name);
    return runs.length >= count ? runs : undefined;
  });
}

function runNow(host: FunctionsHost, name: string, type = "application/json"): Promise<Response> {
  return fetch(`${host.functions}/admin/functions/${name}`, {
    method: "POST",
    body: "{}",
    headers: { "content-type": type },
  });
}

test("a timer runs at every occurrence of a cron expression from a setting, on the full second", async () => {
  const host = await fixture.start({ settings: { EVERY: "* * * * * *" } });
  const [first, second] = await atLeast(host, "every", 2);
  for (const run of [first, second]) expect((run?.at ?? 0) % 1000).toBeLessThan(900);
  expect(Math.floor((second?.at ?? 0) / 1000)).toBeGreaterThan(Math.floor((first?.at ?? 0) / 1000));
  expect(second?.timer).toMatchObject({ isPastDue: false, schedule: { adjustForDST: true } });
  expect(second?.timer.scheduleStatus.last.slice(0, 19)).toBe(
    new Date(first?.at ?? 0).toISOString().slice(0, 19),
  );
});

test("a time span is the pause between runs, and runs of one timer never overlap", async () => {
  const host = await fixture.start({ settings: { EVERY: "00:00:00.02", EVERY_TAKES_MS: "30" } });
  await atLeast(host, "every", 2);
  await runNow(host, "every");
  await atLeast(host, "every", 5);
  expect((await runsOf(host, "every")).overlapping).toBe(1);
});

test("runOnStartup runs immediately; without a monitor there is no status", async () => {
  const host = await fixture.start({ settings: { EVERY: "01:00:00" } });
  const [run] = await atLeast(host, "startup", 1);
  expect(run?.timer).toMatchObject({ isPastDue: false, scheduleStatus: null });
});

test("an occurrence missed while the host was down runs once, as past due", async () => {
  const options = { settings: { EVERY: "01:00:00" }, dataDirectory: fixture.data };
  await (await fixture.start(options)).close();
  const file = path.join(fixture.data, "timers", "daily.json");
  const status = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify({ ...status, next: "2020-01-01T04:30:00.000Z" }));

  const host = await fixture.start(options);
  const [run] = await atLeast(host, "daily", 1);
  expect(run?.timer.isPastDue).toBe(true);
  expect(run?.timer.scheduleStatus.next).toBe("2020-01-01T04:30:00.000Z");
  await host.close();
  const again = await fixture.start(options);
  await atLeast(again, "startup", 1);
  expect((await runsOf(again, "daily")).runs).toEqual([]);
});

test("a timer with a changed schedule is not past due", async () => {
  await (
    await fixture.start({ settings: { EVERY: "00:00:01" }, dataDirectory: fixture.data })
  ).close();
  const host = await fixture.start({
    settings: { EVERY: "01:00:00" },
    dataDirectory: fixture.data,
  });
  await atLeast(host, "startup", 1);
  expect((await runsOf(host, "every")).runs).toEqual([]);
});

test("an operator runs a timer by hand, as JSON only", async () => {
  const host = await fixture.start({ settings: { EVERY: "01:00:00" } });
  expect((await runNow(host, "daily", "text/plain")).status).toBe(415);
  expect((await runNow(host, "unknown")).status).toBe(404);
  expect((await runNow(host, "daily")).status).toBe(202);
  const [run] = await atLeast(host, "daily", 1);
  expect(run?.timer.isPastDue).toBe(false);
});

test("a failed run is repeated by the function's retry policy", async () => {
  const host = await fixture.start({ settings: { EVERY: "01:00:00" } });
  await runNow(host, "retried");
  const runs = await atLeast(host, "retried", 3);
  expect(runs.map(({ retryCount }) => retryCount)).toEqual([undefined, 1, 2]);
  expect(host.stats()).toMatchObject({ "failures:retried": 2 });
});

test("a cut fault leaves the occurrence due for the next host, a refusal counts as the run", async () => {
  const options = { settings: { EVERY: "00:00:00.05" }, dataDirectory: fixture.data };
  const host = await fixture.start(options);
  host.faults.add({ kind: "cut", operation: "timer", resource: "every" });
  await eventually("a strike", () => host.faults.list()[0]?.struck || undefined);
  await host.close();
  const next = await fixture.start({ ...options, settings: { EVERY: "00:00:00.05" } });
  const [run] = await atLeast(next, "every", 1);
  expect(run?.timer.isPastDue).toBe(true);
});

test("an invalid schedule fails the start with the reason", async () => {
  await expect(fixture.start({ settings: { EVERY: "every minute" } })).rejects.toThrow(
    'Function "every": schedule "every minute" is not NCRONTAB',
  );
  await expect(fixture.start()).rejects.toThrow("app setting EVERY");
});
