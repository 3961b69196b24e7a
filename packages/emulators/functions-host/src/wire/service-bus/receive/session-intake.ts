/**
 * Receives from a queue with sessions: accepts one session after the other and holds up to maxConcurrentSessions of
 * them. Waiting for the next one takes a single pending attach, renewed every try time-out, however many are held. The
 * next session is accepted even when all places are taken, so that it can take the place of an idle one.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { ServiceBusClient, ServiceBusSessionReceiver } from "@azure/service-bus";
import type { ServiceBusOptions } from "../../../engine/config/host-json";
import { HeldSession } from "./held-session";
import type { Intake, ReportError } from "./intake";
import type { MessageRunner } from "./message-runner";

/** A session that is idle for this long gives way to a waiting one; long enough not to interrupt a busy one. */
const YIELD_IDLE_MS = 25;

export class SessionIntake implements Intake {
  readonly #client: ServiceBusClient;
  readonly #queue: string;
  readonly #many: boolean;
  readonly #options: ServiceBusOptions;
  readonly #runner: MessageRunner;
  readonly #report: ReportError;
  readonly #stopping = new AbortController();
  readonly #held = new Set<HeldSession>();
  #lastServedAt = performance.now();
  #freed: () => void = () => undefined;

  constructor(
    client: ServiceBusClient,
    queue: string,
    many: boolean,
    options: ServiceBusOptions,
    runner: MessageRunner,
    report: ReportError,
  ) {
    this.#client = client;
    this.#queue = queue;
    this.#many = many;
    this.#options = options;
    this.#runner = runner;
    this.#report = report;
  }

  get idleMs(): number {
    let idleMs = performance.now() - this.#lastServedAt;
    for (const session of this.#held) idleMs = Math.min(idleMs, session.idleMs);
    return idleMs;
  }

  start(): void {
    void this.#accept();
  }

  async drain(): Promise<void> {
    this.#stop();
    await Promise.all([...this.#held].map((session) => session.end()));
  }

  async close(): Promise<void> {
    this.#stop();
    await Promise.all([...this.#held].map((session) => session.drop()));
  }

  #stop(): void {
    this.#stopping.abort();
    this.#freed();
  }

  async #accept(): Promise<void> {
    const { maxAutoLockRenewalDuration, clientRetryOptions } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let receiver: ServiceBusSessionReceiver;
      try {
        receiver = await this.#client.acceptNextSession(this.#queue, {
          receiveMode: "peekLock",
          maxAutoLockRenewalDurationInMs: maxAutoLockRenewalDuration,
          skipParsingBodyAsJson: true,
          abortSignal: signal,
        });
      } catch (error) {
        if (signal.aborted) return;
        if (isNoSession(error)) continue;
        this.#report({ error: error as Error, errorSource: "receive" });
        await delay(clientRetryOptions.delay, undefined, { signal }).catch(() => undefined);
        continue;
      }
      await this.#makeRoom();
      if (signal.aborted) {
        await receiver.close();
        return;
      }
      void this.#serve(receiver);
    }
  }

  /** Ends the session that has been idle longest, before its idle time-out, to make room for a waiting one. */
  async #makeRoom(): Promise<void> {
    const { maxConcurrentSessions } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted && this.#held.size >= maxConcurrentSessions) {
      const [idlest] = [...this.#held].sort((a, b) => b.idleMs - a.idleMs);
      const remainingMs = YIELD_IDLE_MS - (idlest?.idleMs ?? 0);
      if (remainingMs <= 0) void idlest?.end();
      const freed = new Promise<void>((resolve) => (this.#freed = resolve));
      const look = new AbortController();
      await Promise.race([
        freed,
        delay(Math.max(remainingMs, 1), undefined, { signal: look.signal }).catch(() => undefined),
      ]);
      look.abort();
    }
  }

  async #serve(receiver: ServiceBusSessionReceiver): Promise<void> {
    const session = new HeldSession(
      receiver,
      this.#many,
      this.#options,
      this.#runner,
      this.#report,
    );
    this.#held.add(session);
    try {
      await session.serve();
    } catch (error) {
      this.#report({ error: error as Error, errorSource: "receive" });
    } finally {
      this.#held.delete(session);
      this.#lastServedAt = performance.now();
      this.#freed();
    }
  }
}

/** No session became free within the try time-out, or another receiver took it: normal for an idle queue. */
function isNoSession(error: unknown): boolean {
  const code: unknown =
    typeof error === "object" && error !== null ? Reflect.get(error, "code") : undefined;
  return code === "ServiceTimeout" || code === "SessionCannotBeLocked";
}
