/** One instance of the functions app: its timers and triggers, run as the functions host runs them. */
import {
  consumeResults,
  type DeadLetterPorts,
  drainDeadLetter,
  isParked,
  judgePending,
  keepParked,
  type ParkedPorts,
  resumeReplays,
  runOnDemand,
  runPages,
  sendParked,
  ServiceUnavailable,
  StreamClaims,
  type SyncPorts,
  tick,
  watchCycles,
} from "@postern/cloud";
import {
  type GroupName,
  readMessage,
  resultsQueueName,
  START_MESSAGE_TYPE,
  StartMessage,
  startQueueName,
  WORK_MESSAGE_TYPE,
} from "@postern/contracts";
import type { FakeBroker } from "../services/fake-broker";
import { type FakeQueue, type Hold, LockLost, type QueuedMessage } from "../services/fake-queue";
import type { History } from "../check/history";
import type { SimProcess } from "../clockwork/sim-process";
import type { Wire } from "../clockwork/wire";

export interface CloudInstanceWorld {
  readonly process: SimProcess;
  readonly wire: Wire;
  readonly broker: FakeBroker;
  readonly history: History;
  readonly ports: DeadLetterPorts & ParkedPorts & SyncPorts;
  readonly hostile: boolean;
  readonly groupOf: (queue: string) => GroupName | undefined;
  readonly tickMs: number;
}

const RESULTS_AT_ONCE = 16;
const WATCH_MS = 60_000;
const PARALLEL_SESSIONS = 4;

export function startCloudInstance(world: CloudInstanceWorld): void {
  const { broker, ports, groupOf, process, tickMs } = world;
  const claims = new StreamClaims(ports);
  const received = (message: QueuedMessage) => ({
    body: message.body,
    messageId: message.messageId,
    properties: message.properties,
    deliveryCount: message.deliveryCount,
    enqueuedAtMs: message.enqueuedAtMs,
  });
  const startQueue = broker.queue(startQueueName);
  for (let slot = 0; slot < PARALLEL_SESSIONS; slot += 1) {
    receive(world, startQueue, 1, async (messages) => {
      for (const { properties, body } of messages) {
        const message = readMessage(
          { schema: StartMessage, type: START_MESSAGE_TYPE },
          properties,
          body,
        );
        const { onDemand } = message;
        if (onDemand === undefined) await runPages({ ports, claims }, message);
        else await runOnDemand({ ports, claims }, { ...message, onDemand });
      }
    });
  }
  for (const queue of broker.queues.values()) {
    const group = groupOf(queue.name);
    if (group !== undefined && queue.name === resultsQueueName(group)) {
      receive(world, queue, RESULTS_AT_ONCE, (messages) =>
        results(ports, group, messages.map(received)),
      );
    }
    const { deadLetters } = queue;
    if (deadLetters === undefined) continue;
    receive(world, deadLetters, 1, async (messages) => {
      for (const message of messages) {
        const place = { queue: queue.name, group: group ?? "cloud" };
        await drainDeadLetter(ports, place, received(message));
      }
    });
  }
  every(process, tickMs, () =>
    guarded(world, () => tick(ports, Math.round(process.wallMs() / 1_000) * 1_000)),
  );
  // Who there is only words the mark.
  every(process, WATCH_MS, () => guarded(world, () => watchCycles(ports)));
  every(process, WATCH_MS, () => guarded(world, () => resumeReplays(ports)));
  if (world.hostile) watchUnproven(world);
}

/** What only a hostile agent, or a key that an instance hears of late, gives the cloud to do. */
function watchUnproven(world: CloudInstanceWorld): void {
  const { ports, process } = world;
  const consume = (group: GroupName, message: ReceivedMessage): Promise<void> =>
    results(ports, group, [message]);
  every(process, WATCH_MS, () => guarded(world, () => judgePending(ports, consume)));
  for (const { name } of ports.stamp.groups) {
    every(process, WATCH_MS, () =>
      guarded(world, () => sendParked(ports, name, [WORK_MESSAGE_TYPE])),
    );
  }
}

/** As the trigger of a results queue does. */
async function results(
  ports: SyncPorts & ParkedPorts,
  group: GroupName,
  messages: readonly ReceivedMessage[],
): Promise<void> {
  const parked = messages.filter(isParked);
  const others = messages.filter((message) => !isParked(message));
  if (parked.length > 0) await keepParked(ports, group, parked);
  if (others.length > 0) await consumeResults(ports, group, others);
}

function every(process: SimProcess, periodMs: number, run: () => Promise<void>): void {
  const firstMs = periodMs - (process.timeline.nowMs % periodMs);
  const again = (): void => {
    void run();
    process.after(periodMs, again);
  };
  process.after(firstMs, again);
}

/** As the timers of the product do: a service that does not answer is the next tick's matter, anything else a fault. */
async function guarded(
  { history, process }: CloudInstanceWorld,
  work: () => Promise<unknown>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ServiceUnavailable)) fault(history, process, error);
  }
}

function fault(history: History, process: SimProcess, error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  history.violate(`${process.name} threw an unexpected error: ${text}`);
}

type ReceivedMessage = Parameters<typeof keepParked>[2][number];

type Handler = (messages: readonly QueuedMessage[]) => Promise<void>;

/** A trigger: takes messages, runs the handler, completes them; what the handler throws gives them back, counted. */
function receive(
  world: CloudInstanceWorld,
  queue: FakeQueue,
  most: number,
  handler: Handler,
): void {
  const { process } = world;
  const again = (): void => {
    if (!process.alive) return;
    queue.wait({
      isAlive: () => process.alive,
      take: (hold) => void process.timeline.after(2, () => process.deliver(() => begin(hold))),
    });
  };
  const begin = (hold: Hold): void => {
    void (
      queue.options.requiresSession
        ? workSession(world, queue, hold, handler)
        : workBatch(world, queue, hold, most, handler)
    ).then(again);
  };
  again();
}

/** One message of the session at a time, for as long as there are any. */
async function workSession(
  world: CloudInstanceWorld,
  queue: FakeQueue,
  hold: Hold,
  handler: Handler,
): Promise<void> {
  const renewals = new AbortController();
  void renew(world, queue, hold, renewals.signal);
  for (;;) {
    const [message] = take(queue, hold, 1);
    if (message === undefined) break;
    if (!(await invoke(world, queue, [{ hold, message }], handler))) break;
  }
  renewals.abort();
  await world.wire
    .ask({ service: "broker", operation: "host", effect: () => queue.release(hold), failure })
    .catch(() => undefined);
}

async function workBatch(
  world: CloudInstanceWorld,
  queue: FakeQueue,
  first: Hold,
  most: number,
  handler: Handler,
): Promise<void> {
  const locks: Locked[] = take(queue, first, 1).map((message) => ({ hold: first, message }));
  for (let count = 1; count < most; count += 1) {
    let more: Hold | undefined;
    const stop = queue.wait({ isAlive: () => true, take: (hold) => (more = hold) });
    stop();
    const hold = more;
    if (hold === undefined) break;
    locks.push(...take(queue, hold, 1).map((message) => ({ hold, message })));
  }
  if (locks.length > 0) await invoke(world, queue, locks, handler);
}

interface Locked {
  readonly hold: Hold;
  readonly message: QueuedMessage;
}

function take(queue: FakeQueue, hold: Hold, most: number): QueuedMessage[] {
  const taken: QueuedMessage[] = [];
  hold.credits = most;
  hold.deliver = (messages) => taken.push(...messages);
  queue.feed(hold);
  hold.deliver = undefined;
  return taken;
}

/** False when the lock is gone. */
async function invoke(
  world: CloudInstanceWorld,
  queue: FakeQueue,
  locks: readonly Locked[],
  handler: Handler,
): Promise<boolean> {
  const { wire, history, process } = world;
  let done = true;
  try {
    await handler(locks.map(({ message }) => message));
  } catch (error) {
    done = false;
    if (!(error instanceof ServiceUnavailable)) fault(history, process, error);
  }
  let held = true;
  await Promise.all(
    locks.map(({ hold, message }) =>
      wire
        .ask({
          service: "broker",
          operation: "host",
          effect: (struck) => {
            if (done) queue.complete(hold, message, struck === "forget");
            else queue.abandon(hold, message);
          },
          failure,
        })
        .catch((error: unknown) => {
          if (error instanceof LockLost) held = false;
        }),
    ),
  );
  if (!done) await process.sleep(200);
  return held;
}

async function renew(
  { wire, process }: CloudInstanceWorld,
  queue: FakeQueue,
  hold: Hold,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    await process.sleep(queue.options.lockDurationMs / 2, stop);
    if (stop.aborted) return;
    try {
      await wire.ask({
        service: "broker",
        operation: "host",
        effect: () => queue.renew(hold),
        failure,
      });
    } catch (error) {
      if (error instanceof LockLost) return;
    }
  }
}

const failure = (): Error => new Error("the broker does not answer");
