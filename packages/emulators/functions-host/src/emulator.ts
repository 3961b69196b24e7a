/**
 * Starts a function app and its triggers in this process, and stops them again.
 *
 * Starting -> running -> draining -> closed. Starting: settings, host.json, the app's code, appStart hooks, HTTP, then
 * message and timer triggers. Draining: triggers take nothing new, HTTP answers 503, running invocations are waited
 * for up to the deadline. It is called by the command line and by tests; it never ends the process itself.
 */
import { randomUUID } from "node:crypto";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Counters, FaultPlan, startControlServer } from "@postern/emulator-kit";
import { loadApp } from "./engine/app/app-loader";
import { CoreModule, type RegisteredFunction } from "./engine/app/core-module";
import { Invoker } from "./engine/app/invoker";
import { nodeProcess } from "./engine/app/node-runtime";
import { AppSettings } from "./engine/config/app-settings";
import { parseBinding, TimerTriggerBinding, triggerOf, type Trigger } from "./engine/app/bindings";
import { FunctionsHostError } from "./engine/diagnostics/errors";
import { readHostJson, type HostJson } from "./engine/config/host-json";
import { AdminEndpoints, type HostedFunction } from "./wire/http/admin";
import { FrontEnd } from "./wire/http/front-end";
import { HttpTrigger } from "./wire/http/http-trigger";
import type { KeysInput } from "./engine/app/function-keys";
import { loadKeys } from "./store/key-file";
import { RouteTable } from "./wire/http/route-table";
import { HostLog, type LogSink } from "./engine/diagnostics/log";
import { OutputBindings } from "./wire/service-bus/output-bindings";
import { ServiceBusTriggers } from "./wire/service-bus/service-bus-triggers";
import { stderrLog } from "./engine/diagnostics/stderr-log";
import { parseSchedule } from "./engine/timer/schedule";
import type { ScheduleMonitor } from "./engine/timer/schedule-status";
import { ScheduleFiles } from "./store/schedule-files";
import { TimerTrigger } from "./engine/timer/timer-trigger";

export interface FunctionsHostOptions {
  /** Folder of the deployed app: host.json, package.json with "main", optionally local.settings.json. */
  readonly app: string;
  /** Port of the functions on 127.0.0.1; 0 or absent: any free one. */
  readonly port?: number | undefined;
  readonly controlPort?: number | undefined;
  /** Where timer status and generated keys are kept; absent: in memory only. */
  readonly dataDirectory?: string | undefined;
  /** JSON file of app settings, `{"NAME": "value"}`. */
  readonly settingsFile?: string | undefined;
  /** App settings given directly; they win over every other source. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** Keys for authLevel function and admin; absent: generated (see `keys` of what is returned). */
  readonly keys?: KeysInput | undefined;
  /** Default: app setting FUNCTIONS_REQUEST_BODY_SIZE_LIMIT, otherwise 100 MiB, as in the service. */
  readonly maxBodyBytes?: number | undefined;
  /** After this long an unanswered HTTP request gets 504, as from the service's load balancer. Default 230 s. */
  readonly httpResponseTimeoutMs?: number | undefined;
  /** How long `close` waits for running invocations. Default 3 s. */
  readonly drainMs?: number | undefined;
  /** How often an idle Service Bus trigger makes sure that it has not been cut off silently. Default 5 s. */
  readonly watchdogMs?: number | undefined;
  /**
   * After an invocation ran into functionTimeout: `abandon` stops listening to it and carries on; `exit` also calls
   * `onExit`, because the service restarts the worker and with it everything that was running. Default `abandon`.
   */
  readonly onTimeout?: "abandon" | "exit" | undefined;
  readonly onExit?: ((reason: string) => void) | undefined;
  /** Default: lines of text on standard error. */
  readonly log?: LogSink | undefined;
}

export interface FunctionsHost {
  /** `http://127.0.0.1:PORT`, without the route prefix. */
  readonly functions: string;
  readonly control: string;
  readonly faults: FaultPlan;
  /** The keys in force: master and host key. */
  readonly keys: { readonly master: string | undefined; readonly default: string | undefined };
  stats(): Record<string, number>;
  close(): Promise<void>;
}

const DEFAULT_MAX_BODY_BYTES = 100 * 1024 * 1024;
const DEFAULT_HTTP_RESPONSE_TIMEOUT_MS = 230_000;
const DEFAULT_DRAIN_MS = 3000;
const DEFAULT_WATCHDOG_MS = 5000;

export async function startFunctionsHost(options: FunctionsHostOptions): Promise<FunctionsHost> {
  const appDirectory = path.resolve(options.app);
  const log = new HostLog(options.log ?? stderrLog("text"));
  const hostJson = readHostJson(appDirectory);
  log.useLevels(hostJson.logging.logLevel);
  const settings = new AppSettings({
    appDirectory,
    environment: nodeProcess.env,
    file: options.settingsFile,
    settings: options.settings,
  });
  const keys = loadKeys(options.keys, options.dataDirectory);
  const faults = new FaultPlan();
  const counters = new Counters("invocations", "failures", "active", "serviceBusReceived");
  const core = new CoreModule(log);
  const app = loadApp(appDirectory, core, settings.added);
  const cleanUps: (() => void | Promise<void>)[] = [() => app.unload()];
  const cleanUp = async (): Promise<void> => {
    for (const step of cleanUps.splice(0).reverse()) await step();
  };

  try {
    const functions = registered(core, hostJson);
    await core.runHooks("appStart", { hookData: {}, appHookData: core.appHookData });
    const capabilities = (await core.model?.getCapabilities?.({})) ?? {};
    if (capabilities["HttpUri"] !== undefined) {
      throw new FunctionsHostError(
        "binding-invalid",
        "HTTP streams are not supported by this emulator: do not set enableHttpStream in app.setup().",
      );
    }
    core.seal();

    const invoker = new Invoker({
      core,
      log,
      counters,
      timeoutMs: hostJson.functionTimeout,
      onTimeout: (name) => {
        if (options.onTimeout === "exit") options.onExit?.(`function ${name} timed out`);
      },
    });
    const outputs = new OutputBindings({ settings, hostJson });
    cleanUps.push(() => outputs.close());
    const routes = new RouteTable(hostJson.extensions.http.routePrefix);
    const monitor = new ScheduleFiles(options.dataDirectory);
    const timers: TimerTrigger[] = [];
    const serviceBus = new ServiceBusTriggers({
      options: hostJson.extensions.serviceBus,
      settings,
      invoker,
      faults,
      counters,
      log,
      watchMs: options.watchdogMs ?? DEFAULT_WATCHDOG_MS,
    });
    const hosted = functions.map((fn): HostedFunction => {
      const trigger = triggerOf(fn.metadata);
      const disabled = settings.isDisabled(fn.metadata.name);
      const deliver = outputs.of(fn);
      if (disabled) {
        log.write("warning", "The function is disabled by an app setting.", fn.metadata.name);
        return { fn, trigger, disabled };
      }
      switch (trigger.kind) {
        case "http": {
          const { template } = routes.add(fn, trigger.name, settings);
          const route = [routes.prefix, template.template].filter((part) => part !== "").join("/");
          return { fn, trigger, disabled, route };
        }
        case "timer": {
          const timer = timerTrigger(fn, trigger, {
            settings,
            monitor,
            invoker,
            faults,
            log,
            deliver,
          });
          timers.push(timer);
          return { fn, trigger, disabled, runNow: () => timer.runNow() };
        }
        case "serviceBus":
          return { fn, trigger, disabled, runNow: serviceBus.add(fn, trigger.name, deliver) };
        case "unsupported":
          log.write(
            "warning",
            `Triggers of type ${trigger.type} are not run by this emulator.`,
            fn.metadata.name,
          );
          return { fn, trigger, disabled };
      }
    });

    let state: "Running" | "Stopping" = "Running";
    let origin = "";
    const frontEnd = new FrontEnd({
      port: options.port ?? 0,
      routes,
      trigger: new HttpTrigger({
        invoker,
        log,
        faults,
        keys,
        limits: hostJson.extensions.http,
        maxBodyBytes: options.maxBodyBytes ?? bodyLimit(settings),
        responseTimeoutMs: options.httpResponseTimeoutMs ?? DEFAULT_HTTP_RESPONSE_TIMEOUT_MS,
        deliver: ({ fn }) => outputs.of(fn),
      }),
      admin: new AdminEndpoints({
        origin: () => origin,
        instanceId: randomUUID(),
        functions: () => hosted,
        state: () => state,
      }),
      log,
    });
    origin = await frontEnd.listen();
    cleanUps.push(() => frontEnd.close());
    const stats = (): Record<string, number> => counters.snapshot();
    const control = await startControlServer({ port: options.controlPort ?? 0, faults, stats });
    cleanUps.push(() => control.close());
    await serviceBus.start();
    cleanUps.push(() => serviceBus.close());
    for (const timer of timers) timer.start();
    cleanUps.push(() => timers.forEach((timer) => timer.stop()));
    log.write(
      "information",
      `${hosted.length} functions at ${origin} (emulator, for development and tests only)`,
    );

    const close = async (): Promise<void> => {
      state = "Stopping";
      frontEnd.drain();
      for (const timer of timers) timer.stop();
      const deadline = new AbortController();
      const drained = Promise.all([serviceBus.drain(), invoker.idle()]).then(() => true);
      const expired = delay(options.drainMs ?? DEFAULT_DRAIN_MS, false, {
        signal: deadline.signal,
      }).catch(() => false);
      const inTime = await Promise.race([drained, expired]);
      deadline.abort();
      if (!inTime)
        log.write(
          "warning",
          `${invoker.active} invocations were still running at the drain deadline.`,
        );
      await core.runHooks("appTerminate", { hookData: {}, appHookData: core.appHookData });
      await cleanUp();
    };
    let closing: Promise<void> | undefined;
    return {
      functions: origin,
      control: control.url,
      faults,
      keys: { master: keys.master, default: keys.host["default"] },
      stats,
      close: () => (closing ??= close()),
    };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

function bodyLimit(settings: AppSettings): number {
  const limit = Number(settings.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"));
  return Number.isSafeInteger(limit) && limit > 0 ? limit : DEFAULT_MAX_BODY_BYTES;
}

/** What the app registered, reduced to host.json's `functions` list where there is one. */
function registered(core: CoreModule, hostJson: HostJson): RegisteredFunction[] {
  const all = [...core.functions.values()];
  if (all.length === 0) {
    throw new FunctionsHostError(
      "app-load-failed",
      'The app registered no functions: does "main" name its entry file?',
    );
  }
  const chosen = hostJson.functions?.map((name) => name.toLowerCase());
  return chosen === undefined
    ? all
    : all.filter(({ metadata }) => chosen.includes(metadata.name.toLowerCase()));
}

function timerTrigger(
  fn: RegisteredFunction,
  trigger: Trigger,
  parts: {
    readonly settings: AppSettings;
    readonly monitor: ScheduleMonitor;
    readonly invoker: Invoker;
    readonly faults: FaultPlan;
    readonly log: HostLog;
    readonly deliver: ReturnType<OutputBindings["of"]>;
  },
): TimerTrigger {
  const where = `Function "${fn.metadata.name}"`;
  const binding = parseBinding(TimerTriggerBinding, fn, trigger.name);
  const scheduleText = parts.settings.expand(binding.schedule, where);
  const schedule = parseSchedule(scheduleText, where, parts.settings.get("WEBSITE_TIME_ZONE"));
  return new TimerTrigger({
    fn,
    triggerName: trigger.name,
    schedule,
    scheduleText,
    runOnStartup: binding.runOnStartup,
    monitor: (binding.useMonitor ?? !schedule.frequent) ? parts.monitor : undefined,
    invoker: parts.invoker,
    faults: parts.faults,
    log: parts.log,
    deliver: parts.deliver,
  });
}
