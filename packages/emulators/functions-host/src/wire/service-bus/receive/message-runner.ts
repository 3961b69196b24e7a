/**
 * Invokes the function for one message or one batch and settles it: complete after success, abandon after a failure or
 * a time-out. Called by the pumps, which decide what is received when. It never throws.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import type { FaultPlan } from "@postern/emulator-kit";
import type { RegisteredFunction } from "../../../engine/app/core-module";
import type { Invocation, Invoker } from "../../../engine/app/invoker";
import { ArmedFaultError, errorMessage } from "../../../engine/diagnostics/errors";
import type { HostLog } from "../../../engine/diagnostics/log";
import { childTraceContext } from "../../../engine/diagnostics/trace-context";
import { within } from "../../../engine/app/within";
import { batchData, batchMetadata, messageData, messageMetadata } from "./message-data";

/** The part of the SDK's receivers that settles. */
export interface Settler {
  completeMessage(message: ServiceBusReceivedMessage): Promise<void>;
  abandonMessage(message: ServiceBusReceivedMessage): Promise<void>;
}

export interface MessageRunnerOptions {
  readonly fn: RegisteredFunction;
  readonly triggerName: string;
  readonly many: boolean;
  readonly binary: boolean;
  readonly autoComplete: boolean;
  readonly invoker: Invoker;
  readonly faults: FaultPlan;
  readonly log: HostLog;
  readonly deliver: Invocation["deliver"];
  /** Called with the number of messages before their function runs. */
  readonly onMessages: (count: number) => void;
  /** Drops the trigger's connection, with everything in hand unsettled. */
  readonly dropConnection: () => void;
}

/**
 * The SDK waits for the reply to a settlement until its time-out, even if the connection is lost meanwhile. Holding up
 * the next message for that gains nothing: the settlement continues in the background.
 */
const SETTLE_PATIENCE_MS = 1000;

export class MessageRunner {
  readonly #options: MessageRunnerOptions;

  constructor(options: MessageRunnerOptions) {
    this.#options = options;
  }

  async run(messages: readonly ServiceBusReceivedMessage[], settler: Settler): Promise<void> {
    const { fn, faults, log, autoComplete, onMessages, dropConnection } = this.#options;
    const { name } = fn.metadata;
    onMessages(messages.length);
    const fault = faults.take("serviceBus", name);
    switch (fault?.kind) {
      case "cut":
        return dropConnection();
      case "refuse":
      case "throttle":
        log.write("error", new ArmedFaultError(fault.kind).message, name);
        if (fault.kind === "throttle") await delay(fault.retryAfterMs);
        return this.#settle(messages, settler, "abandon");
      case "delay":
        await delay(fault.delayMs);
        break;
      case "lose-reply":
      case undefined:
    }
    const result = await this.#invoke(messages);
    if (fault?.kind === "lose-reply") return dropConnection();
    switch (result.kind) {
      case "succeeded":
        // Without autoComplete the message is not settled (Node cannot): its lock expires, as in the service.
        return autoComplete ? this.#settle(messages, settler, "complete") : undefined;
      case "failed":
      case "timed-out":
        return this.#settle(messages, settler, "abandon");
    }
  }

  /** Gives back messages that were received but not begun. */
  async giveBack(messages: readonly ServiceBusReceivedMessage[], settler: Settler): Promise<void> {
    await this.#settle(messages, settler, "abandon");
  }

  #invoke(messages: readonly ServiceBusReceivedMessage[]) {
    const { fn, triggerName, many, binary, invoker, deliver } = this.#options;
    const [first] = messages;
    const single = many ? undefined : first;
    return invoker.invoke({
      fn,
      trigger: {
        name: triggerName,
        data: single ? messageData(single, binary) : batchData(messages, binary),
      },
      triggerMetadata: {
        ...(single ? messageMetadata(single) : batchMetadata(messages)),
        sys: { json: JSON.stringify({ MethodName: fn.metadata.name, UtcNow: new Date() }) },
      },
      traceContext: childTraceContext(
        traceParentOf(single),
        textProperty(single, "tracestate"),
        fn.metadata.name,
      ),
      ...(deliver === undefined ? {} : { deliver }),
    });
  }

  async #settle(
    messages: readonly ServiceBusReceivedMessage[],
    settler: Settler,
    how: "complete" | "abandon",
  ): Promise<void> {
    const { fn, log } = this.#options;
    const failed = (error: unknown): void => {
      const what = `${how} of a message failed, it will be redelivered: ${errorMessage(error)}`;
      log.write("warning", what, fn.metadata.name);
    };
    const settled = Promise.all(
      messages.map((message) =>
        (how === "complete"
          ? settler.completeMessage(message)
          : settler.abandonMessage(message)
        ).catch(failed),
      ),
    );
    await within(SETTLE_PATIENCE_MS, settled);
  }
}

function textProperty(
  message: ServiceBusReceivedMessage | undefined,
  name: string,
): string | undefined {
  const value = message?.applicationProperties?.[name];
  return typeof value === "string" ? value : undefined;
}

/** The service's SDKs send `Diagnostic-Id`, OpenTelemetry sends `traceparent`. */
function traceParentOf(message: ServiceBusReceivedMessage | undefined): string | undefined {
  return textProperty(message, "traceparent") ?? textProperty(message, "Diagnostic-Id");
}
