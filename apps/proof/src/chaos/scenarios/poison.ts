/**
 * Poison among good work: rows that the target refuses and messages that cannot be read, one in a hundred items.
 *
 * Five pairs of runs, with and without, in turn: the agent is stopped, its queue filled, the agent started, and the
 * rate is that from its first unit to its last. A last run, by itself, has some items that end the process: each costs
 * the agent a number of lives to be sure of (see the agent's domain/trial), so its rate is shown, and only that good
 * items go through and each such item is found is asked of it.
 */
import type { ServiceBusMessage } from "@azure/service-bus";
import type { DeadLetterView } from "@postern/contracts";
import path from "node:path";
import { AuditedSqlite } from "../target/audited-sqlite";
import type { ChaosStage } from "../stage/chaos-stage";
import { median } from "../../kit/median";
import {
  endsProcess,
  goodItem,
  guardedTable,
  poisonMessage,
  poisonRow,
  saysWhatToDo,
} from "./poison-kinds";
import type { ScenarioResult } from "./scenario";
import { loggedUnits } from "../stage/unit-log";
import { feedEntity, feedTable, type FedItem, type WorkFeed } from "../stage/work-feed";

const PAIRS = 5;
const POISON_EVERY = 100;
/** One in this many poison items is a message that cannot be read; the others are rows. */
const MESSAGE_EVERY = 4;
const WARM_UP_ITEMS = 2_000;
const ENDING_ITEMS = 3;
/**
 * Lives that one such item may take: three until the agent is careful, one with its unit, six alone, and one to spare.
 */
const LIVES_PER_ITEM = 11;
const LEAST_RATIO = 0.8;
const RUN_WITHIN_MS = 240_000;
const POLL_MS = 250;
const agent = "agent";

interface Expected {
  readonly good: Set<string>;
  /** Entities (`user:ID`) and messages that must end as dead letters. */
  readonly poisonEntities: Set<string>;
  readonly poisonMessages: Set<string>;
}

export async function poison(stage: ChaosStage, items: number): Promise<ScenarioResult> {
  const { target } = stage;
  if (!(target instanceof AuditedSqlite)) throw new Error("poison is fed to an SQLite target");
  target.database.exec(guardedTable);
  target.watch(feedTable, feedEntity);
  const run = new PoisonRun(stage, target, await stage.feed());
  return run.run(items);
}

class PoisonRun {
  readonly #stage: ChaosStage;
  readonly #target: AuditedSqlite;
  readonly #feed: WorkFeed;
  readonly #expected: Expected = {
    good: new Set(),
    poisonEntities: new Set(),
    poisonMessages: new Set(),
  };
  readonly #violations: string[] = [];

  constructor(stage: ChaosStage, target: AuditedSqlite, feed: WorkFeed) {
    this.#stage = stage;
    this.#target = target;
    this.#feed = feed;
  }

  async run(items: number): Promise<ScenarioResult> {
    const stage = this.#stage;
    const began = performance.now();
    const ratios: number[] = [];
    const rates: Record<"without" | "with", number[]> = { without: [], with: [] };
    await this.#flood("warm", WARM_UP_ITEMS, false);
    for (let pair = 1; pair <= PAIRS && !stage.interrupted; pair += 1) {
      const order =
        pair % 2 === 1 ? (["without", "with"] as const) : (["with", "without"] as const);
      const rate = { without: 0, with: 0 };
      for (const kind of order)
        rate[kind] = await this.#flood(`${kind}-${pair}`, items, kind === "with");
      if (stage.interrupted) break;
      rates.without.push(rate.without);
      rates.with.push(rate.with);
      ratios.push(rate.with / rate.without);
      stage.say(
        `pair ${pair}: ${Math.round(rate.without)} items/s without, ${Math.round(rate.with)} with: ${(rate.with / rate.without).toFixed(2)}`,
      );
    }
    const ending = stage.interrupted ? undefined : await this.#processEnding(items);
    const seconds = (performance.now() - began) / 1_000;
    const letters = await stage.openDeadLetters();
    if (!stage.interrupted) this.#compare(letters);
    const end = await stage.finish((letter) => this.#isPoison(letter));
    await this.#feed.close();
    const ratio = Math.round(median(ratios) * 100) / 100;
    if (ratios.length === PAIRS && ratio < LEAST_RATIO)
      this.#violations.push(
        `with poison the rate is ${ratio} of that without (median of ${PAIRS} pairs), the bar is ${LEAST_RATIO}`,
      );
    return {
      seconds: Math.round(seconds),
      violations: [...this.#violations, ...end.violations],
      measured: {
        "items a run": items,
        "rate with / without": ratio,
        "bar of the rate": LEAST_RATIO,
        "ratio of each pair": ratios.map((each) => Math.round(each * 100) / 100),
        "items/s without, median": Math.round(median(rates.without)),
        "items/s with, median": Math.round(median(rates.with)),
        poison: this.#expected.poisonEntities.size + this.#expected.poisonMessages.size,
        deadLetters: letters.length,
        deadLettersByCode: countBy(letters.map(({ code }) => code)),
        ...(ending ?? {}),
        writes: this.#target.auditCount(),
        inStepAfterMs: end.inStepAfterMs,
      },
    };
  }

  /** Fills a queue, then starts the agent. Returns its items per second, refused ones included. */
  async #flood(label: string, count: number, poisoned: boolean, ending = 0): Promise<number> {
    const { platform, history } = this.#stage;
    await platform.stopAgent(agent);
    const messages = this.#work(label, count, poisoned, ending);
    await this.#feed.send("local", messages);
    history.note("flood", { label, count, poisoned, messages: messages.length });
    const startedMs = Date.now();
    await this.#stage.startAgent(agent);
    await this.#untilWorked();
    const ends = this.#stage.ownEnds(agent);
    if (ending === 0 && ends > 0)
      this.#violations.push(`the agent exited ${ends} times on its own in ${label}`);
    const units = loggedUnits(agent, path.join(platform.logDirectory, `${agent}.log`)).filter(
      ({ atMs }) => atMs >= startedMs,
    );
    if (units.length === 0) {
      this.#violations.push(`the agent's log has no unit of ${label}: there is no rate to compare`);
      return 0;
    }
    const fromMs = Math.min(...units.map(({ atMs, durationMs }) => atMs - durationMs));
    const untilMs = Math.max(...units.map(({ atMs }) => atMs));
    const rate = (count * 1_000) / Math.max(1, untilMs - fromMs);
    history.note("flood worked", { label, tookMs: untilMs - fromMs, rate });
    return rate;
  }

  #work(label: string, count: number, poisoned: boolean, ending: number): ServiceBusMessage[] {
    const { random } = this.#stage;
    const rows: FedItem[] = [];
    const spoiled: ServiceBusMessage[] = [];
    let turn = 0;
    for (let index = 0; index < count; index += 1) {
      const item = goodItem(`${label}-${index}`, `Title of ${label}`);
      if (poisoned && index % POISON_EVERY === 0) {
        turn += 1;
        if (turn % MESSAGE_EVERY === 0) {
          const message = poisonMessage(this.#feed, "local", item, turn / MESSAGE_EVERY);
          this.#expected.poisonMessages.add(String(message.messageId));
          spoiled.push(message);
        } else {
          this.#expected.poisonEntities.add(`user:${item.id}`);
          rows.push(poisonRow(item, turn));
        }
        continue;
      }
      if (ending > 0 && index % Math.ceil(count / ending) === 1) {
        this.#expected.poisonEntities.add(`user:${item.id}`);
        rows.push({ ...item, values: { ...item.values, title: endsProcess } });
        continue;
      }
      this.#expected.good.add(item.id);
      rows.push(item);
    }
    const messages = this.#feed.messages("local", random.shuffle(rows));
    // Anywhere among the others of their lanes.
    for (const message of spoiled) messages.splice(random.between(0, messages.length), 0, message);
    return messages;
  }

  /** Until neither work nor results nor dead letters wait. */
  async #untilWorked(): Promise<void> {
    const began = performance.now();
    while (!this.#stage.interrupted) {
      const busy = await this.#stage.busyQueues();
      if (busy.length === 0) return;
      if (performance.now() - began > RUN_WITHIN_MS) {
        this.#violations.push(
          `not worked off within ${RUN_WITHIN_MS / 1_000} s: ${busy.join(", ")}`,
        );
        return;
      }
      await this.#stage.pause(POLL_MS);
    }
  }

  async #processEnding(items: number): Promise<Record<string, unknown>> {
    const stage = this.#stage;
    const rate = await this.#flood("ending", items, true, ENDING_ITEMS);
    const ends = stage.ownEnds(agent);
    stage.say(
      `${ENDING_ITEMS} items that end the process among the others: ${ends} ends, ${Math.round(rate)} items/s`,
    );
    if (ends > ENDING_ITEMS * LIVES_PER_ITEM)
      this.#violations.push(
        `${ENDING_ITEMS} items ended the process ${ends} times, more than ${LIVES_PER_ITEM} each`,
      );
    for (let end = 0; end < ends; end += 1) stage.noteEnded(agent);
    return {
      itemsThatEndTheProcess: ENDING_ITEMS,
      processEnds: ends,
      "items/s with them": Math.round(rate),
    };
  }

  #isPoison({ entity, messageId }: DeadLetterView): boolean {
    return (
      (entity !== null && this.#expected.poisonEntities.has(entity)) ||
      this.#expected.poisonMessages.has(messageId ?? "")
    );
  }

  /** Every good item applied, every poison a dead letter that says what to do. */
  #compare(letters: readonly DeadLetterView[]): void {
    const rows = this.#target.database.prepare(`select id from ${feedTable}`).all();
    const applied = new Set(rows.map(({ id }) => String(id)));
    const { good, poisonEntities, poisonMessages } = this.#expected;
    const lost = [...good].filter((id) => !applied.has(id));
    if (lost.length > 0)
      this.#violations.push(
        `${lost.length} good items were not applied: ${lost.slice(0, 5).join(", ")}`,
      );
    const wrong = [...applied].filter((id) => !good.has(id));
    if (wrong.length > 0)
      this.#violations.push(
        `${wrong.length} poison items were applied: ${wrong.slice(0, 5).join(", ")}`,
      );
    const entities = new Set(letters.map(({ entity }) => entity));
    const messages = new Set(letters.map(({ messageId }) => messageId));
    const silent = [
      ...[...poisonEntities].filter((entity) => !entities.has(entity)),
      ...[...poisonMessages].filter((message) => !messages.has(message)),
    ];
    if (silent.length > 0)
      this.#violations.push(
        `${silent.length} poison items are no dead letters: ${silent.slice(0, 5).join(", ")}`,
      );
    const twice = letters.length - new Set(letters.map(nameOf)).size;
    if (twice > 0)
      this.#violations.push(`${twice} dead letters are duplicates of another for the same item`);
    const mute = new Set(
      letters
        .filter((letter) => this.#isPoison(letter) && !saysWhatToDo(letter.reason))
        .map(({ code, reason }) => `${code}: ${reason}`),
    );
    for (const reason of mute) this.#violations.push(`a reason does not say what to do: ${reason}`);
  }
}

/** The item where it has one, else the message that could not be read. */
function nameOf({ itemId, messageId, id }: DeadLetterView): string {
  return itemId ?? messageId ?? id;
}

function countBy(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
