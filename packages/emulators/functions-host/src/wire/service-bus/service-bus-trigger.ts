/**
 * One Service Bus trigger: a client and an intake, and the watchdog that replaces both when they stall. Starting ->
 * receiving (replaced any number of times) -> draining -> closed.
 *
 * The SDK is known to stop receiving silently after some kinds of disconnection. The symptom: messages wait in the
 * queue while this trigger is idle. Checking for it costs one peek every `watchMs` of idleness.
 */
import type { ServiceBusClient, ServiceBusReceivedMessage } from "@azure/service-bus";
import type { ServiceBusTriggerBinding } from "../../engine/app/bindings";
import { errorMessage } from "../../engine/diagnostics/errors";
import type { ServiceBusOptions } from "../../engine/config/host-json";
import type { HostLog } from "../../engine/diagnostics/log";
import { endPendingLinks, shortenClosing } from "./client/abandoned-client";
import { createClient, type ConnectionTarget } from "./client/connection";
import type { Intake, ReportError } from "./receive/intake";
import type { MessageRunner } from "./receive/message-runner";
import { within } from "../../engine/app/within";
import { QueueIntake } from "./receive/queue-intake";
import { createQueueReceiver, isDeadLetterPath } from "./receive/queue-path";
import { SessionIntake } from "./receive/session-intake";

export interface ServiceBusTriggerOptions {
  readonly functionName: string;
  readonly queue: string;
  readonly binding: ServiceBusTriggerBinding;
  readonly target: ConnectionTarget;
  readonly options: ServiceBusOptions;
  readonly runner: MessageRunner;
  readonly log: HostLog;
  /** Time between two checks of the watchdog. */
  readonly watchMs: number;
}

type SequenceNumber = ServiceBusReceivedMessage["sequenceNumber"];

/** What a check finds: no message, a waiting message, or no reply at all. */
type CheckResult =
  | { readonly kind: "empty" | "silence" }
  | { readonly kind: "waiting"; readonly first: SequenceNumber };

const PEEK_TIMEOUT_MS = 4000;
const PEEKED_MESSAGES = 10;
/** A dead connection would hold up its replacement for the SDK's minute. */
const CLOSE_PATIENCE_MS = 500;

export class ServiceBusTrigger {
  readonly #options: ServiceBusTriggerOptions;
  #client: ServiceBusClient | undefined;
  #intake: Intake | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  /** The first message that the last check found waiting. */
  #suspect: SequenceNumber | undefined;
  #outage = false;
  #checking = false;
  #stopped = false;
  #replacing = Promise.resolve();

  constructor(options: ServiceBusTriggerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#open();
    this.#watchdog = setInterval(() => void this.#watch(), this.#options.watchMs);
  }

  /** Discards client and intake with the messages that they hold, and creates new ones. */
  replace(): void {
    this.#replacing = this.#replacing.then(async () => {
      if (this.#stopped) return;
      await this.#discard();
      await this.#open();
    });
  }

  async drain(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#watchdog);
    await this.#replacing;
    await this.#intake?.drain();
  }

  async close(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#watchdog);
    await this.#replacing;
    await this.#discard();
  }

  /** Notes that a message came, which ends an outage. */
  noticeMessage(): void {
    if (!this.#outage) return;
    this.#outage = false;
    this.#options.log.write("information", "Receiving again.", this.#options.functionName);
  }

  async #open(): Promise<void> {
    const { target, options, queue, binding, runner } = this.#options;
    this.#client = await createClient(target, options);
    const many = binding.cardinality === "many";
    const SomeIntake =
      binding.isSessionsEnabled && !isDeadLetterPath(queue) ? SessionIntake : QueueIntake;
    this.#intake = new SomeIntake(this.#client, queue, many, options, runner, this.#report);
    this.#intake.start();
  }

  async #discard(): Promise<void> {
    const [client, intake] = [this.#client, this.#intake];
    this.#client = undefined;
    this.#intake = undefined;
    if (client === undefined) return;
    shortenClosing(client);
    const closed = Promise.resolve(intake?.close())
      .catch(() => undefined)
      .then(() => client.close());
    await within(CLOSE_PATIENCE_MS, closed);
    endPendingLinks(client);
  }

  /** Logs an outage once: the SDK reports every attempt. */
  readonly #report: ReportError = ({ error, errorSource }) => {
    const isOutage = errorSource === "receive";
    if (this.#stopped || (isOutage && this.#outage)) return;
    if (isOutage) this.#outage = true;
    const { queue, functionName, log } = this.#options;
    log.write("warning", `Queue ${queue} (${errorSource}): ${errorMessage(error)}`, functionName);
  };

  async #watch(): Promise<void> {
    if (this.#checking) return;
    this.#checking = true;
    await this.#check();
    this.#checking = false;
  }

  async #check(): Promise<void> {
    const { watchMs, queue, functionName, log } = this.#options;
    const [client, intake] = [this.#client, this.#intake];
    if (client === undefined || intake === undefined || intake.idleMs < watchMs) {
      this.#suspect = undefined;
      return;
    }
    const before = this.#suspect;
    const found = await check(client, queue, before);
    if (this.#intake !== intake || this.#stopped) return;
    this.#suspect = found.kind === "waiting" ? found.first : undefined;
    // Seen twice: one sighting may be a message locked by another receiver, which ends; a stall does not.
    const stalled = found.kind === "waiting" && before !== undefined && intake.idleMs >= watchMs;
    if (!stalled && found.kind !== "silence") return;
    this.#suspect = undefined;
    log.write("warning", `Messages wait in ${queue} but none arrive: reconnecting.`, functionName);
    this.replace();
  }
}

async function check(
  client: ServiceBusClient,
  queue: string,
  from: SequenceNumber,
): Promise<CheckResult> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<CheckResult>((resolve) => {
    timer = setTimeout(() => resolve({ kind: "silence" }), PEEK_TIMEOUT_MS);
  });
  try {
    return await Promise.race([peek(client, queue, from), silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** Without `from` the SDK continues where its last peek ended, which is where new messages are. */
async function peek(
  client: ServiceBusClient,
  queue: string,
  from: SequenceNumber,
): Promise<CheckResult> {
  const receiver = createQueueReceiver(client, queue);
  try {
    const found = await receiver.peekMessages(
      PEEKED_MESSAGES,
      from === undefined ? {} : { fromSequenceNumber: from },
    );
    const active = found.find(({ state }) => state === "active");
    return active ? { kind: "waiting", first: active.sequenceNumber } : { kind: "empty" };
  } catch {
    // The broker is down: the SDK keeps trying to reach it, and a new client would not help.
    return { kind: "empty" };
  } finally {
    await receiver.close().catch(() => undefined);
  }
}
