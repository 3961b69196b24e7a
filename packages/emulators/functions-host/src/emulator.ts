/**
 * Starts a function app and its triggers in this process, and stops them again.
 *
 * Starting -> running -> draining -> closed. Starting: settings, host.json, the app's code, appStart hooks, HTTP, then
 * message and timer triggers. Draining: triggers take nothing new, HTTP returns 503, running invocations are awaited up
 * to the deadline. The command line and tests call it; it never ends the process itself.
 */
import { randomUUID } from "node:crypto";
import path from "node:path";
import {
  Counters,
  type Emulator,
  type EmulatorOptions,
  FaultPlan,
  startControlServer,
} from "@postern/emulator-kit";
import { loadApp } from "./engine/app/app-loader";
import { CoreModule, type RegisteredFunction } from "./engine/app/core-module";
import type { KeysInput } from "./engine/app/function-keys";
import { Invoker } from "./engine/app/invoker";
import { nodeProcess } from "./engine/app/node-runtime";
import { within } from "./engine/app/within";
import { AppSettings } from "./engine/config/app-settings";
import { readHostJson, type HostJson } from "./engine/config/host-json";
import { FunctionsHostError } from "./engine/diagnostics/errors";
import { HostLog, type LogSink } from "./engine/diagnostics/log";
import { stderrLog } from "./engine/diagnostics/stderr-log";
import { FunctionTriggers } from "./function-triggers";
import { loadKeys } from "./store/key-file";
import { ScheduleFiles } from "./store/schedule-files";
import { AdminEndpoints } from "./wire/http/admin";
import { FrontEnd } from "./wire/http/front-end";
import { HttpTrigger } from "./wire/http/http-trigger";
import { OutputBindings } from "./wire/service-bus/output-bindings";

/** The data directory keeps timer status and generated keys. */
export interface FunctionsHostOptions extends EmulatorOptions {
  /** Folder of the deployed app: host.json, package.json with "main", optionally local.settings.json. */
  readonly app: string;
  /** JSON file of app settings, `{"NAME": "value"}`. */
  readonly settingsFile?: string | undefined;
  /** App settings given directly; they win over every other source. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** Keys for authLevel function and admin; absent: generated (see {@link FunctionsHost.keys}). */
  readonly keys?: KeysInput | undefined;
  /** Default: app setting FUNCTIONS_REQUEST_BODY_SIZE_LIMIT, otherwise 100 MiB, as in the service. */
  readonly maxBodyBytes?: number | undefined;
  /** After this long an unanswered HTTP request gets 504, as from the service's load balancer. Default 230 s. */
  readonly httpResponseTimeoutMs?: number | undefined;
  /** How long `close` waits for running invocations. Default 3 s. */
  readonly drainMs?: number | undefined;
  /** How often an idle Service Bus trigger checks that it has not been cut off silently. Default 5 s. */
  readonly watchdogMs?: number | undefined;
  /**
   * After an invocation exceeds functionTimeout: `abandon` ignores its result and continues; `exit` also calls
   * `onExit`, because the service restarts the worker and with it everything that was running. Default `abandon`.
   */
  readonly onTimeout?: "abandon" | "exit" | undefined;
  readonly onExit?: ((reason: string) => void) | undefined;
  /** Default: lines of text on standard error. */
  readonly log?: LogSink | undefined;
}

export interface FunctionsHost extends Emulator {
  /** `http://127.0.0.1:PORT`, without the route prefix. */
  readonly functions: string;
  /** The master and host key in use. */
  readonly keys: { readonly master: string | undefined; readonly default: string | undefined };
}

const DEFAULT_MAX_BODY_BYTES = 100 * 1024 * 1024;
const DEFAULT_HTTP_RESPONSE_TIMEOUT_MS = 230_000;
const DEFAULT_DRAIN_MS = 3000;
const DEFAULT_WATCHDOG_MS = 5000;

/**
 * Starts the host and the app in its folder.
 *
 * @throws FunctionsHostError if the app, its settings, host.json or a binding cannot be used
 */
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
  // Undone in reverse, at the end or when the start fails halfway.
  await using opened = new AsyncDisposableStack();
  opened.defer(() => app.unload());
  const functions = registered(core, hostJson);
  await startApp(core);

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
  opened.defer(() => outputs.close());
  const triggers = new FunctionTriggers(functions, {
    hostJson,
    settings,
    monitor: new ScheduleFiles(options.dataDirectory),
    invoker,
    outputs,
    faults,
    counters,
    log,
    watchdogMs: options.watchdogMs ?? DEFAULT_WATCHDOG_MS,
  });

  let state: "Running" | "Stopping" = "Running";
  let origin = "";
  const frontEnd = new FrontEnd({
    port: options.port ?? 0,
    routes: triggers.routes,
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
      functions: () => triggers.hosted,
      state: () => state,
    }),
    log,
  });
  origin = await frontEnd.listen();
  opened.defer(() => frontEnd.close());
  const stats = (): Record<string, number> => counters.snapshot();
  const control = await startControlServer({ port: options.controlPort ?? 0, faults, stats });
  opened.defer(() => control.close());
  opened.defer(() => triggers.close());
  await triggers.start();
  log.write(
    "information",
    `${triggers.hosted.length} functions at ${origin} (emulator, for development and tests only)`,
  );

  const started = opened.move();
  const close = async (): Promise<void> => {
    state = "Stopping";
    frontEnd.drain();
    const drained = Promise.all([triggers.drain(), invoker.idle()]);
    if (!(await within(options.drainMs ?? DEFAULT_DRAIN_MS, drained))) {
      log.write(
        "warning",
        `${invoker.active} invocations were still running at the drain deadline.`,
      );
    }
    await core.runHooks("appTerminate", { hookData: {}, appHookData: core.appHookData });
    await started.disposeAsync();
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
}

async function startApp(core: CoreModule): Promise<void> {
  await core.runHooks("appStart", { hookData: {}, appHookData: core.appHookData });
  const capabilities = (await core.model?.getCapabilities?.({})) ?? {};
  if (capabilities["HttpUri"] !== undefined) {
    throw new FunctionsHostError(
      "binding-invalid",
      "HTTP streams are not supported by this emulator: do not set enableHttpStream in app.setup().",
    );
  }
  core.seal();
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
