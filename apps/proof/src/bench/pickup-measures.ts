/**
 * How long work waits for an idle agent. Messages are sent one at a time: first to a bare receiver of the SDK, then to
 * the agent, each a process that has just started.
 *
 * A message is enqueued when the broker has it. The broker's time stamps are whole milliseconds, too coarse for one
 * message. So the time is measured from the send call, minus the median way to the broker, which comes from the time
 * stamps of all messages of the bare receiver.
 */
import { Bench, bareQueue, ids, workMessages, workQueue } from "./agent-bench";
import type { Environment } from "../kit/environment";
import { measured, median, percentile, type Measure } from "./measure";

const PICKUPS = 1_500;
const FRESH_PICKUPS = 300;
const MEASURED_PICKUPS = 500;
const PICKUP_PAUSE_MS = 15;
/** A stamp is cut down to its millisecond. */
const MEAN_CUT_MS = 0.5;

interface Pickups {
  /** From the call that sends to the turn, in milliseconds. Of the very first message. */
  readonly first: number;
  /** Of a process that has just started, whose code is not compiled yet. */
  readonly fresh: readonly number[];
  /** Of one that has been at work. */
  readonly waits: readonly number[];
  /** From the call that sends to the broker's stamp, where the receiver tells. */
  readonly ways: readonly number[];
}

async function pickups(bench: Bench, mode: "pickup" | "bare-pickup"): Promise<Pickups> {
  const people = ids(mode, PICKUPS);
  const queue = mode === "pickup" ? workQueue : bareQueue;
  const sentAt = new Map<string, number>();
  const sender = bench.client.createSender(queue);
  let sending: Promise<void> = Promise.resolve();
  const { turns } = await bench.load(
    { mode, queue, items: PICKUPS, ledger: "cosmos", target: "nothing" },
    () => {
      sending = (async () => {
        await pause(1_000);
        for (const id of people) {
          const [work] = workMessages([id], 1);
          if (work === undefined) continue;
          const { sessionId: _lane, ...withoutLane } = work;
          const message = mode === "pickup" ? work : withoutLane;
          sentAt.set(id, performance.timeOrigin + performance.now());
          await sender.sendMessages(message);
          await pause(PICKUP_PAUSE_MS);
        }
      })();
    },
  );
  await sending;
  await sender.close();
  const turnOf = new Map(turns.map((turn) => [turn.id, turn]));
  const taken = people.map((id) => {
    const sent = sentAt.get(id) ?? 0;
    const { atMs = Infinity, stampedMs } = turnOf.get(id) ?? {};
    return { wait: atMs - sent, way: stampedMs === undefined ? [] : [stampedMs - sent] };
  });
  const waits = taken.map(({ wait }) => wait);
  return {
    first: waits[0] ?? Infinity,
    fresh: waits.slice(0, FRESH_PICKUPS),
    waits: waits.slice(-MEASURED_PICKUPS),
    ways: taken.slice(-MEASURED_PICKUPS).flatMap(({ way }) => way),
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function measurePickup(
  environment: Environment,
  say: (text: string) => void,
): Promise<Measure[]> {
  const bench = await Bench.start(environment);
  try {
    const bare = await pickups(bench, "bare-pickup");
    const { first, fresh, waits } = await pickups(bench, "pickup");
    const way = median(bare.ways) + MEAN_CUT_MS;
    const shown = (of: readonly number[]): string =>
      [0.5, 0.99].map((part) => percentile(of, part).toFixed(1)).join(" and ");
    say(`a message is on its way to the broker for ${way.toFixed(2)} ms`);
    say(
      `a bare receiver has it ${shown(bare.waits)} ms after the call that sends (p50 and p99); just started, ${shown(bare.fresh)}`,
    );
    return [
      measured("pickup-p50", percentile(waits, 0.5) - way),
      measured("pickup-p99", percentile(waits, 0.99) - way),
      measured("pickup-from-send-p50", percentile(waits, 0.5)),
      measured("pickup-from-send-p99", percentile(waits, 0.99)),
      measured("pickup-to-bare", percentile(waits, 0.5) / percentile(bare.waits, 0.5)),
      measured("pickup-first", first),
      measured("pickup-fresh-p50", percentile(fresh, 0.5)),
      measured("pickup-fresh-p99", percentile(fresh, 0.99)),
    ];
  } finally {
    await bench.close();
  }
}
