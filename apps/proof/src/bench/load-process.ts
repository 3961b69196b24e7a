import { ServiceBusClient, type ServiceBusReceivedMessage } from "@azure/service-bus";
import {
  createAgent,
  loadSettings,
  type AgentPorts,
  type Ledger,
  type TargetPort,
} from "@postern/agent";
import type { ApplyItem } from "@postern/connectors";
import path from "node:path";
import { WorkMessage } from "@postern/contracts";
import { z } from "zod";
import { workspaceRoot } from "@postern/local";

/**
 * One side of a throughput comparison, in its own process so that both sides get the same share of the machine.
 * Reads what to do from its first argument and prints one JSON object.
 *
 * - `bare`: a receive-and-complete loop with nothing but `@azure/service-bus`.
 * - `agent`: the agent, with a stubbed ledger or the real one, and a target that does nothing or SQLite.
 * - `pickup`: an idle agent with a target that does nothing; prints when each item had its turn.
 * - `bare-pickup`: the bare loop, idle; prints when each item was received, and when the broker had it.
 */
export const LoadOrder = z.object({
  mode: z.enum(["bare", "agent", "pickup", "bare-pickup"]),
  connectionString: z.string(),
  queue: z.string(),
  items: z.int(),
  ledger: z.enum(["stubbed", "cosmos"]),
  target: z.enum(["nothing", "settings"]),
  settings: z.string(),
});
export type LoadOrder = z.infer<typeof LoadOrder>;

/** An item had its turn. Unix milliseconds. */
export interface Turn {
  readonly id: string;
  readonly atMs: number;
  /** The broker's stamp, in whole milliseconds. */
  readonly stampedMs?: number;
}

export interface LoadResult {
  /** From the first turn to the last item's end. */
  readonly tookMs: number;
  readonly turns: readonly Turn[];
}

/** Milliseconds on a clock that all processes of one machine share. */
const nowMs = (): number => performance.timeOrigin + performance.now();

/** The one that the agent ships with. */
const threadProgram = path.join(workspaceRoot(), "apps/agent/dist/target-thread.js");

const BARE_CONCURRENCY = 50;

async function bare(order: LoadOrder): Promise<LoadResult> {
  const client = new ServiceBusClient(order.connectionString);
  const receiver = client.createReceiver(order.queue);
  let first = 0;
  let done = 0;
  const turns: Turn[] = [];
  await new Promise<void>((resolve, reject) => {
    receiver.subscribe(
      {
        processMessage: async (message: ServiceBusReceivedMessage) => {
          if (first === 0) first = nowMs();
          if (order.mode === "bare-pickup") turns.push(turnOf(message, nowMs()));
          await receiver.completeMessage(message);
          done += 1;
          if (done === order.items) resolve();
        },
        processError: async ({ error }) => reject(error),
      },
      { autoCompleteMessages: false, maxConcurrentCalls: BARE_CONCURRENCY },
    );
    if (order.mode === "bare-pickup") sayRunning();
  });
  const tookMs = nowMs() - first;
  await client.close();
  return { tookMs, turns };
}

const sayRunning = (): void => void process.stdout.write(`${JSON.stringify({ running: true })}\n`);

function turnOf(message: ServiceBusReceivedMessage, atMs: number): Turn {
  const id = WorkMessage.parse(message.body).items[0]?.entity.id ?? "";
  const stamped = message.enqueuedTimeUtc;
  return { id, atMs, ...(stamped === undefined ? {} : { stampedMs: stamped.getTime() }) };
}

const stubbedLedger: Ledger = {
  read: async () => new Map(),
  write: async () => "written",
};

/** A target that does nothing but report when it is called. */
function nothingTarget(onApply: (items: readonly ApplyItem[]) => void): TargetPort {
  return {
    name: "local",
    kind: "nothing",
    hasInbox: true,
    maxBatchItems: 100,
    probe: async () => ({ reachable: true, durationMs: 0 }),
    apply: async (items) => {
      onApply(items);
      return items.map(() => ({ outcome: "applied" }));
    },
    close: async () => undefined,
  };
}

async function agent(order: LoadOrder): Promise<LoadResult> {
  const { settings } = loadSettings({
    env: {},
    fileText: order.settings,
    readSecretFile: () => "",
  });
  let first = 0;
  const turns: Turn[] = [];
  const onApply = (items: readonly ApplyItem[]): void => {
    const now = nowMs();
    if (first === 0) first = now;
    if (order.mode === "pickup")
      for (const { item } of items) turns.push({ id: item.entity.id, atMs: now });
  };
  const name = settings.targets[0]?.name;
  if (name === undefined) throw new Error("the settings name no target");
  const opened = settings.targets[0]?.open(threadProgram);
  const target: TargetPort | undefined =
    order.target === "nothing" ? nothingTarget(onApply) : opened && timed(opened, onApply);
  if (target === undefined) throw new Error("the target could not be opened");
  const ports: Partial<AgentPorts> = {
    api: {
      heartbeat: async () => ({ cancellations: [], nextHeartbeatMs: 10_000 }),
      leaseAttempt: async () => ({ kind: "gone" }),
    },
    targets: new Map([[name, target]]),
    ...(order.ledger === "stubbed" ? { ledger: stubbedLedger } : {}),
  };
  const running = await createAgent({ settings, threadProgram, ports });
  running.start();
  if (order.mode === "pickup") sayRunning();
  while (running.stats().itemsFinished < order.items)
    await new Promise((resolve) => setTimeout(resolve, order.mode === "pickup" ? 100 : 5));
  const tookMs = nowMs() - first;
  await running.stop("bench", 2_000);
  return { tookMs, turns };
}

function timed(target: TargetPort, onApply: (items: readonly ApplyItem[]) => void): TargetPort {
  return {
    name: target.name,
    kind: target.kind,
    hasInbox: target.hasInbox,
    maxBatchItems: target.maxBatchItems,
    probe: (options) => target.probe(options),
    apply: (items, options) => {
      onApply(items);
      return target.apply(items, options);
    },
    close: () => target.close(),
  };
}

const order = LoadOrder.parse(JSON.parse(process.argv[2] ?? "{}"));
(order.mode === "bare" || order.mode === "bare-pickup" ? bare(order) : agent(order)).then(
  (result) => {
    process.stdout.write(`${JSON.stringify({ result })}\n`, () => process.exit(0));
  },
  (error: unknown) => {
    process.stderr.write(
      `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(1);
  },
);
