/**
 * The triggers of the app's functions: made from their bindings, started, drained and stopped together. A function that
 * is disabled, or whose trigger is not emulated, is listed but never run.
 */
import type { Counters, FaultPlan } from "@postern/emulator-kit";
import { parseBinding, TimerTriggerBinding, triggerOf, type Trigger } from "./engine/app/bindings";
import type { RegisteredFunction } from "./engine/app/core-module";
import type { Invocation, Invoker } from "./engine/app/invoker";
import type { AppSettings } from "./engine/config/app-settings";
import type { HostJson } from "./engine/config/host-json";
import type { HostLog } from "./engine/diagnostics/log";
import { parseSchedule } from "./engine/timer/schedule";
import type { ScheduleMonitor } from "./engine/timer/schedule-status";
import { TimerTrigger } from "./engine/timer/timer-trigger";
import type { HostedFunction } from "./wire/http/admin";
import { RouteTable } from "./wire/http/route-table";
import type { OutputBindings } from "./wire/service-bus/output-bindings";
import { ServiceBusTriggers } from "./wire/service-bus/service-bus-triggers";

export interface FunctionTriggersOptions {
  readonly hostJson: HostJson;
  readonly settings: AppSettings;
  readonly monitor: ScheduleMonitor;
  readonly invoker: Invoker;
  readonly outputs: OutputBindings;
  readonly faults: FaultPlan;
  readonly counters: Counters;
  readonly log: HostLog;
  readonly watchdogMs: number;
}

export class FunctionTriggers {
  readonly routes: RouteTable;
  readonly hosted: readonly HostedFunction[];
  readonly #options: FunctionTriggersOptions;
  readonly #timers: TimerTrigger[] = [];
  readonly #serviceBus: ServiceBusTriggers;

  /** @throws FunctionsHostError if a binding, a route, a schedule or a setting that it names is not valid */
  constructor(functions: readonly RegisteredFunction[], options: FunctionTriggersOptions) {
    const { hostJson, settings, invoker, faults, counters, log, watchdogMs } = options;
    this.#options = options;
    this.routes = new RouteTable(hostJson.extensions.http.routePrefix);
    this.#serviceBus = new ServiceBusTriggers({
      options: hostJson.extensions.serviceBus,
      settings,
      invoker,
      faults,
      counters,
      log,
      watchMs: watchdogMs,
    });
    this.hosted = functions.map((fn) => this.#host(fn));
  }

  async start(): Promise<void> {
    await this.#serviceBus.start();
    for (const timer of this.#timers) timer.start();
  }

  /** Takes nothing new and waits for what Service Bus triggers have in hand. */
  async drain(): Promise<void> {
    this.#stopTimers();
    await this.#serviceBus.drain();
  }

  async close(): Promise<void> {
    this.#stopTimers();
    await this.#serviceBus.close();
  }

  #stopTimers(): void {
    for (const timer of this.#timers) timer.stop();
  }

  #host(fn: RegisteredFunction): HostedFunction {
    const { settings, outputs, log } = this.#options;
    const { name } = fn.metadata;
    const trigger = triggerOf(fn.metadata);
    const disabled = settings.isDisabled(name);
    const deliver = outputs.of(fn);
    if (disabled) {
      log.write("warning", "The function is disabled by an app setting.", name);
      return { fn, trigger, disabled };
    }
    switch (trigger.kind) {
      case "http": {
        const { template } = this.routes.add(fn, trigger.name, settings);
        const parts = [this.routes.prefix, template.template];
        return { fn, trigger, disabled, route: parts.filter((part) => part !== "").join("/") };
      }
      case "timer": {
        const timer = this.#timer(fn, trigger, deliver);
        this.#timers.push(timer);
        return { fn, trigger, disabled, runNow: () => timer.runNow() };
      }
      case "serviceBus": {
        const runNow = this.#serviceBus.add(fn, trigger.name, deliver);
        return { fn, trigger, disabled, runNow };
      }
      case "unsupported":
        log.write("warning", `Triggers of type ${trigger.type} are not emulated.`, name);
        return { fn, trigger, disabled };
    }
  }

  #timer(fn: RegisteredFunction, trigger: Trigger, deliver: Invocation["deliver"]): TimerTrigger {
    const { settings, monitor, invoker, faults, log } = this.#options;
    const where = `Function "${fn.metadata.name}"`;
    const binding = parseBinding(TimerTriggerBinding, fn, trigger.name);
    const scheduleText = settings.expand(binding.schedule, where);
    const schedule = parseSchedule(scheduleText, where, settings.get("WEBSITE_TIME_ZONE"));
    return new TimerTrigger({
      fn,
      triggerName: trigger.name,
      schedule,
      scheduleText,
      runOnStartup: binding.runOnStartup,
      monitor: (binding.useMonitor ?? !schedule.frequent) ? monitor : undefined,
      invoker,
      faults,
      log,
      deliver,
    });
  }
}
