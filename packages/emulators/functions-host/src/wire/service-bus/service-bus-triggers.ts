/** All Service Bus triggers of the app: read from their bindings at the start, started and stopped together. */
import type { Counters, FaultPlan } from "@postern/emulator-kit";
import type { RegisteredFunction } from "../../engine/app/core-module";
import type { Invocation, Invoker } from "../../engine/app/invoker";
import type { AppSettings } from "../../engine/config/app-settings";
import { parseBinding, ServiceBusTriggerBinding } from "../../engine/app/bindings";
import type { ServiceBusOptions } from "../../engine/config/host-json";
import type { HostLog } from "../../engine/diagnostics/log";
import { childTraceContext } from "../../engine/diagnostics/trace-context";
import { resolveConnection } from "./client/connection";
import { MessageRunner } from "./receive/message-runner";
import { ServiceBusTrigger } from "./service-bus-trigger";

export interface ServiceBusTriggersOptions {
  readonly options: ServiceBusOptions;
  readonly settings: AppSettings;
  readonly invoker: Invoker;
  readonly faults: FaultPlan;
  readonly counters: Counters;
  readonly log: HostLog;
  readonly watchMs: number;
}

export class ServiceBusTriggers {
  readonly #options: ServiceBusTriggersOptions;
  readonly #triggers: ServiceBusTrigger[] = [];

  constructor(options: ServiceBusTriggersOptions) {
    this.#options = options;
  }

  /**
   * Adds the trigger of a function. Returns what runs the function by hand, with a text as the message.
   *
   * @throws FunctionsHostError if the binding or a setting that it names is not valid
   */
  add(
    fn: RegisteredFunction,
    triggerName: string,
    deliver: Invocation["deliver"],
  ): (input: string) => void {
    const { settings, options, invoker, faults, counters, log, watchMs } = this.#options;
    const { name } = fn.metadata;
    const where = `Function "${name}"`;
    const binding = parseBinding(ServiceBusTriggerBinding, fn, triggerName);
    const many = binding.cardinality === "many";
    const runner = new MessageRunner({
      fn,
      triggerName,
      many,
      binary: binding.dataType === "binary" || binding.dataType === "stream",
      autoComplete: binding.autoCompleteMessages ?? options.autoCompleteMessages,
      invoker,
      faults,
      log,
      deliver,
      onMessages: (count) => {
        counters.add("serviceBusReceived", count);
        trigger.noticeMessage();
      },
      dropConnection: () => trigger.replace(),
    });
    const trigger = new ServiceBusTrigger({
      functionName: name,
      queue: settings.expand(binding.queueName, where),
      binding,
      target: resolveConnection(binding.connection, settings, where),
      options,
      runner,
      log,
      watchMs,
    });
    this.#triggers.push(trigger);
    return (input) => {
      void invoker.invoke({
        fn,
        trigger: {
          name: triggerName,
          data: many ? { collectionString: { string: [input] } } : { string: input },
        },
        triggerMetadata: {},
        traceContext: childTraceContext(undefined, undefined, name),
        ...(deliver === undefined ? {} : { deliver }),
      });
    };
  }

  async start(): Promise<void> {
    await Promise.all(this.#triggers.map((trigger) => trigger.start()));
  }

  async drain(): Promise<void> {
    await Promise.all(this.#triggers.map((trigger) => trigger.drain()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#triggers.map((trigger) => trigger.close()));
  }
}
