import { Bench, bareQueue, ids, workMessages, workQueue } from "./agent-bench";
import type { Environment } from "../kit/environment";
import type { LoadOrder } from "./load-process";
import { measured, median, type Measure } from "./measure";

/** An odd number; a single pair is off by up to a third either way. */
const PAIRS = 9;
const SINGLE_ITEM_MESSAGES = 10_000;
const BACKLOG_ITEMS = 60_000;

/** Single-item messages through the agent against a bare loop, in interleaved pairs. */
async function throughputRatio(
  bench: Bench,
  ledger: LoadOrder["ledger"],
  say: (text: string) => void,
): Promise<number> {
  const ratios: number[] = [];
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const people = ids(`r${pair}`, SINGLE_ITEM_MESSAGES);
    await bench.fill(
      bareQueue,
      workMessages(people, 1).map(({ sessionId: _lane, ...message }) => message),
    );
    const bare = await bench.load({
      mode: "bare",
      queue: bareQueue,
      items: SINGLE_ITEM_MESSAGES,
      ledger,
      target: "nothing",
    });
    await bench.fill(workQueue, workMessages(people, 1));
    const agent = await bench.load({
      mode: "agent",
      queue: workQueue,
      items: SINGLE_ITEM_MESSAGES,
      ledger,
      target: "nothing",
    });
    ratios.push(bare.tookMs / agent.tookMs);
    say(`ledger ${ledger}: bare ${rate(bare.tookMs)}/s, agent ${rate(agent.tookMs)}/s`);
  }
  return median(ratios);
}

const rate = (tookMs: number): string =>
  Math.round((SINGLE_ITEM_MESSAGES / tookMs) * 1_000).toLocaleString("en");
/** The agent alone: against a bare loop, and through a backlog. */
export async function measureAgent(
  environment: Environment,
  say: (text: string) => void,
): Promise<Measure[]> {
  const bench = await Bench.start(environment);
  try {
    const stubbed = await throughputRatio(bench, "stubbed", say);
    const withLedger = await throughputRatio(bench, "cosmos", say);
    await bench.fill(workQueue, workMessages(ids("b", BACKLOG_ITEMS), 100));
    const backlog = await bench.load({
      mode: "agent",
      queue: workQueue,
      items: BACKLOG_ITEMS,
      ledger: "cosmos",
      target: "settings",
    });
    return [
      measured("agent-throughput-ratio-stubbed-ledger", stubbed),
      measured("agent-throughput-ratio", withLedger),
      measured("agent-items-per-second", (BACKLOG_ITEMS / backlog.tookMs) * 1_000),
    ];
  } finally {
    await bench.close();
  }
}
