/**
 * One agent, two targets, each with work coming in at the same steady rate; the second goes away for minutes and comes
 * back. While it is away its work waits untouched, and the first must not notice. Rates are read from the agent's log
 * afterwards: applied items a second, of each target.
 */
import path from "node:path";
import { parseTarget, prepareTarget } from "@postern/local";
import { AuditedPostgres } from "../target/audited-postgres";
import { AuditedSqlite } from "../target/audited-sqlite";
import { auditViolations } from "../target/audited-target";
import type { ChaosStage } from "../stage/chaos-stage";
import { median } from "../../kit/median";
import type { PostgresServer } from "../target/postgres-server";
import type { ScenarioResult } from "./scenario";
import { type LoggedUnit, loggedUnits } from "../stage/unit-log";
import { feedEntity, feedTable, type FedItem, type WorkFeed } from "../stage/work-feed";

export const secondTarget = "second";
const targets = ["local", secondTarget] as const;

/** Of each target. */
const ITEMS_PER_SECOND = 250;
const FEED_EVERY_MS = 500;
const SETTLE_MS = 10_000;
const BEFORE_MS = 40_000;
const AFTER_MS = 60_000;
/**
 * A rate is that of a stretch as long as this: the shorter one tells sooner, the longer one is steadier. When the
 * second target is back its backlog takes all of a small machine, and what the first is late by for a second it makes
 * up for.
 */
const BACK_WINDOW_MS = 5_000;
const KEPT_WINDOW_MS = 20_000;
const BACK_TO = 0.9;
const BACK_WITHIN_MS = 60_000;
const OTHER_KEEPS = 0.8;
/** A stretch can hide that all of it came at its end: no pause between two units of the first may be longer. */
const LONGEST_PAUSE_MS = 10_000;
const PROGRESS_MS = 30_000;

/** The ways in which a database is away: it refuses, it says nothing, it was shut down. */
const ways = ["refuses", "silent", "stopped"] as const;
type Way = (typeof ways)[number];

const table = `create table if not exists ${feedTable} (id text primary key, upn text, display_name text, age integer, title text)`;

/** Entities of one target only, as those of one definition are. */
function fedItems(target: string, from: number, until: number): FedItem[] {
  return Array.from({ length: Math.max(0, until - from) }, (_, index) => ({
    id: `${target}-${from + index}`,
    values: { display_name: `Person ${from + index}`, age: 42, title: "Fed" },
  }));
}

export async function targetDown(stage: ChaosStage, seconds: number): Promise<ScenarioResult> {
  const { target: first, postgres } = stage;
  if (!(first instanceof AuditedSqlite) || postgres === undefined)
    throw new Error("one target is SQLite, the other PostgreSQL");
  first.database.exec(table);
  first.watch(feedTable, feedEntity);
  await prepareTarget(parseTarget(postgres.url(), stage.data.root), stage.definition);
  const second = await AuditedPostgres.open(postgres.url());
  const feed = await stage.feed();
  try {
    await second.execute(table);
    await second.watch(feedTable, feedEntity);
    return await new TargetDownRun(stage, { first, second, postgres, feed }).run(seconds);
  } finally {
    await feed.close();
    await second.close();
  }
}

/** In milliseconds of the wall clock, which the agent's log has too. */
interface Moments {
  readonly beforeMs: number;
  readonly downMs: number;
  readonly backMs: number;
  readonly afterMs: number;
}

interface Rates {
  readonly firstBefore: number;
  readonly secondBefore: number;
  /** Of the worst stretch from the moment the second went away until it had been back for a minute. */
  readonly firstLeast: number;
  readonly firstKept: number;
  readonly firstPauseMs: number;
  /** The end of the first stretch at that rate. */
  readonly backAfterMs: number | undefined;
}

interface Parts {
  readonly first: AuditedSqlite;
  readonly second: AuditedPostgres;
  readonly postgres: PostgresServer;
  readonly feed: WorkFeed;
}

class TargetDownRun {
  readonly #stage: ChaosStage;
  readonly #parts: Parts;
  readonly #violations: string[] = [];
  #fed = 0;
  #feeding = true;

  constructor(stage: ChaosStage, parts: Parts) {
    this.#stage = stage;
    this.#parts = parts;
  }

  async run(seconds: number): Promise<ScenarioResult> {
    const stage = this.#stage;
    const way = stage.random.pick(ways);
    const began = performance.now();
    const feeding = this.#feed();
    await stage.pause(SETTLE_MS);
    const beforeMs = Date.now();
    await stage.pause(BEFORE_MS);
    const downMs = Date.now();
    stage.history.note("target down", { target: secondTarget, way });
    stage.say(`the second target is away (${way}) for ${Math.round(seconds)} s`);
    await this.#goDown(way);
    for (let left = seconds * 1_000; left > 0 && !stage.interrupted; left -= PROGRESS_MS) {
      await stage.pause(Math.min(left, PROGRESS_MS));
      stage.say(
        `${Math.round((Date.now() - downMs) / 1_000)} s away, ${this.#fed} items fed to each`,
      );
    }
    const waiting = stage.interrupted
      ? new Map<number, number>()
      : await this.#parts.feed.deliveryCounts(secondTarget);
    await this.#comeBack(way);
    const backMs = Date.now();
    stage.history.note("target back", { waiting: [...waiting] });
    await stage.pause(AFTER_MS);
    const afterMs = Date.now();
    this.#feeding = false;
    await feeding;
    const tookSeconds = (performance.now() - began) / 1_000;
    const end = await stage.finish();
    this.#violations.push(...end.violations);
    if (!stage.interrupted) await this.#compare();
    const rates = this.#rates({ beforeMs, downMs, backMs, afterMs });
    const burnt = [...waiting].filter(([count]) => count > 0);
    const waited = [...waiting.values()].reduce((sum, count) => sum + count, 0);
    if (!stage.interrupted) this.#hold(rates, burnt, waited);
    return {
      seconds: Math.round(tookSeconds),
      violations: this.#violations,
      measured: {
        way,
        downSeconds: Math.round((backMs - downMs) / 1_000),
        "items fed to each": this.#fed,
        messagesWaiting: waited,
        "delivery counts of them": Object.fromEntries(waiting),
        "second: items/s before": rates.secondBefore,
        "second: back at 90 % after ms": rates.backAfterMs,
        "bar of that, ms": BACK_WITHIN_MS,
        "first: items/s before": rates.firstBefore,
        "first: least items/s since": rates.firstLeast,
        "first: kept": rates.firstKept,
        "bar of that": OTHER_KEEPS,
        "first: longest pause, ms": rates.firstPauseMs,
        "bar of the pause, ms": LONGEST_PAUSE_MS,
        writes: this.#parts.first.auditCount() + (await this.#parts.second.auditCount()),
        inStepAfterMs: end.inStepAfterMs,
      },
    };
  }

  /** The same to both, by the clock: what was late is made up for, as producers do. */
  async #feed(): Promise<void> {
    const { feed } = this.#parts;
    const began = performance.now();
    while (this.#feeding && !this.#stage.interrupted) {
      const due = Math.floor(((performance.now() - began) * ITEMS_PER_SECOND) / 1_000);
      await Promise.all(
        targets.map((target) =>
          feed.send(target, feed.messages(target, fedItems(target, this.#fed, due))),
        ),
      );
      this.#fed = Math.max(this.#fed, due);
      await this.#stage.pause(FEED_EVERY_MS);
    }
  }

  async #goDown(way: Way): Promise<void> {
    const proxy = this.#stage.connections.at("agent-postgres");
    if (way === "refuses") proxy.inject("outage");
    else if (way === "silent") proxy.inject("black-hole");
    else await this.#parts.postgres.goDown();
  }

  async #comeBack(way: Way): Promise<void> {
    this.#stage.connections.at("agent-postgres").heal();
    if (way === "stopped") await this.#parts.postgres.comeBack();
  }

  /** All that was fed is in both targets, once. */
  async #compare(): Promise<void> {
    const { second } = this.#parts;
    this.#violations.push(...auditViolations(await second.audit()));
    const counts = {
      first: this.#parts.first.database
        .prepare(`select count(*) as rows from ${feedTable}`)
        .get()?.["rows"],
      second: await second.count(feedTable),
    };
    for (const [name, count] of Object.entries(counts))
      if (Number(count) !== this.#fed)
        this.#violations.push(`the ${name} target has ${String(count)} of ${this.#fed} rows`);
  }

  #hold(rates: Rates, burnt: readonly [number, number][], waited: number): void {
    if (waited === 0) this.#violations.push("no work waited for the target that was away");
    for (const [count, messages] of burnt)
      this.#violations.push(`${messages} messages that waited have a delivery count of ${count}`);
    if (rates.backAfterMs === undefined || rates.backAfterMs > BACK_WITHIN_MS)
      this.#violations.push(
        `the second target was not at ${BACK_TO} of its rate within ${BACK_WITHIN_MS / 1_000} s of its return`,
      );
    if (Math.min(rates.firstBefore, rates.secondBefore) < ITEMS_PER_SECOND / 2)
      this.#violations.push(
        `${rates.firstBefore} and ${rates.secondBefore} items/s before are no rates to compare with: ${ITEMS_PER_SECOND} were fed to each`,
      );
    if (rates.firstPauseMs > LONGEST_PAUSE_MS)
      this.#violations.push(
        `the first target stood still for ${rates.firstPauseMs} ms; the bar is ${LONGEST_PAUSE_MS}`,
      );
    if (rates.firstKept < OTHER_KEEPS)
      this.#violations.push(
        `the first target fell to ${rates.firstKept} of its rate; the bar is ${OTHER_KEEPS}`,
      );
  }

  #rates(at: Moments): Rates {
    const log = path.join(this.#stage.platform.logDirectory, "agent.log");
    const units = loggedUnits("agent", log);
    const of = (
      target: string,
      windowMs: number,
      [fromMs, untilMs]: readonly [number, number],
    ): number[] =>
      windowRates(
        units.filter((unit) => unit.target === target),
        windowMs,
        [fromMs, untilMs],
      );
    const firstBefore = median(of("local", KEPT_WINDOW_MS, [at.beforeMs, at.downMs]));
    const secondBefore = median(of(secondTarget, BACK_WINDOW_MS, [at.beforeMs, at.downMs]));
    const since = of("local", KEPT_WINDOW_MS, [at.downMs, at.afterMs]);
    const firstLeast = since.length === 0 ? 0 : Math.min(...since);
    const back = of(secondTarget, BACK_WINDOW_MS, [at.backMs, at.afterMs]).findIndex(
      (rate) => rate >= BACK_TO * secondBefore,
    );
    return {
      firstBefore: Math.round(firstBefore),
      secondBefore: Math.round(secondBefore),
      firstLeast: Math.round(firstLeast),
      firstKept: Math.round((firstLeast / Math.max(1, firstBefore)) * 100) / 100,
      firstPauseMs: longestPauseMs(
        units.filter(({ target }) => target === "local").map(({ atMs }) => atMs),
        [at.downMs, at.afterMs],
      ),
      backAfterMs: back < 0 ? undefined : (back + 1) * BACK_WINDOW_MS,
    };
  }
}

/** Applied items a second, of each whole stretch between two moments. */
function windowRates(
  units: readonly LoggedUnit[],
  windowMs: number,
  [fromMs, untilMs]: readonly [number, number],
): number[] {
  const rates: number[] = [];
  for (let start = fromMs; start + windowMs <= untilMs; start += windowMs) {
    const items = units
      .filter(({ atMs }) => atMs >= start && atMs < start + windowMs)
      .reduce((sum, { applied }) => sum + applied, 0);
    rates.push((items * 1_000) / windowMs);
  }
  return rates;
}

/** Between two of these moments, or from the first bound to them, or from them to the last. */
function longestPauseMs(
  moments: readonly number[],
  [fromMs, untilMs]: readonly [number, number],
): number {
  const within = moments
    .filter((atMs) => atMs > fromMs && atMs < untilMs)
    .toSorted((a, b) => a - b);
  let longest = 0;
  let last = fromMs;
  for (const atMs of [...within, untilMs]) {
    longest = Math.max(longest, atMs - last);
    last = atMs;
  }
  return Math.round(longest);
}
