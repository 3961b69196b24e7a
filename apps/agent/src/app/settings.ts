import { deepFreeze } from "@postern/runtime";
import {
  type AnyTargetContext,
  type Connector,
  connectors,
  type Target,
} from "@postern/connectors";
import {
  type AgentId,
  type BranchId,
  clip,
  type FieldProblem,
  fieldProblems,
  type GroupName,
  limits,
  nearest,
  PosternError,
  problemText,
  Secret,
  type TargetName,
  type TenantId,
} from "@postern/contracts";
import type { RetryLimits } from "../units/failure-policy";
import type { LaneLimits } from "../lanes/lane-policy";
import { type Environment, getPath, isRecord, layersOf } from "./settings-layers";
import { knownKeys, SettingsFile, settingLeaves } from "./settings-schema";

/** A target from the settings, validated by its connector and ready to be opened. */
export interface TargetEntry {
  readonly name: TargetName;
  readonly connector: string;
  /** @param threadProgram that a SQLite target runs in a thread; absolute path */
  readonly open: (threadProgram: string) => Target;
}

/** Settings of an agent, grouped and frozen. */
export interface Settings {
  readonly agentId: AgentId;
  readonly branch: BranchId;
  readonly tenant: TenantId;
  readonly group: GroupName;
  readonly serviceBus: {
    readonly connectionString: Secret | null;
    readonly fullyQualifiedNamespace: string | null;
    readonly acceptWaitMs: number;
  };
  readonly cosmos: { readonly endpoint: string; readonly key: Secret | null };
  readonly api: { readonly baseUrl: string; readonly scope: string; readonly timeoutMs: number };
  readonly identity: { readonly disableInstanceDiscovery: boolean };
  readonly targets: readonly TargetEntry[];
  readonly concurrency: { readonly lanesPerTarget: number; readonly jobsInFlight: number };
  readonly lanes: LaneLimits;
  readonly retry: RetryLimits;
  readonly probe: { readonly timeoutMs: number; readonly idleMs: number };
  readonly heartbeat: { readonly intervalMs: number };
  readonly drain: { readonly deadlineMs: number };
  readonly telemetry: {
    readonly logLevel: SettingsFile["telemetry"]["logLevel"];
    readonly otlpEndpoint: string | null;
  };
}

export interface LoadedSettings {
  readonly settings: Settings;
  /** Every effective value and its source; secrets are redacted. */
  readonly shown: readonly ShownSetting[];
}

export interface ShownSetting {
  readonly path: string;
  readonly value: string;
  /** `default`, `file`, `environment NAME`, `secret file PATH` */
  readonly source: string;
}

export interface SettingsInputs {
  readonly env: Environment;
  /** Text of the settings file; empty when there is no file. */
  readonly fileText: string;
  readonly readSecretFile: (path: string) => string;
  /** Default of `agentId`. */
  readonly hostName?: string;
}

/**
 * Loads settings: the file, the environment over it, secrets from files. Pure except for `readSecretFile`.
 *
 * @throws PosternError `settings-invalid` listing every problem; it repeats no value
 */
export function loadSettings(inputs: SettingsInputs): LoadedSettings {
  const {
    document,
    sources,
    problems: found,
  } = layersOf(inputs.env, inputs.fileText, inputs.readSecretFile);
  const problems: FieldProblem[] = [...found];
  const defaulted = new Map<string, string>();
  if (document["agentId"] === undefined && inputs.hostName !== undefined) {
    document["agentId"] = inputs.hostName.toLowerCase().slice(0, limits.nameChars);
    defaulted.set("agentId", "host name");
  }
  const parsed = SettingsFile.safeParse(document, {
    error: ({ code, input }) =>
      code === "invalid_type" && input === undefined ? "is missing" : undefined,
  });
  if (!parsed.success) problems.push(...fieldProblems(parsed.error, knownKeys));
  problems.push(...crossProblems(document));
  const targets = targetEntries(document, problems);
  if (problems.length > 0 || !parsed.success) {
    throw new PosternError("settings-invalid", problemText(problems), { details: { problems } });
  }
  const file = parsed.data;
  const secret = (value: string | undefined): Secret | null =>
    value === undefined ? null : new Secret(value);
  const settings: Settings = deepFreeze({
    ...file,
    serviceBus: {
      connectionString: secret(file.serviceBus.connectionString),
      fullyQualifiedNamespace: file.serviceBus.fullyQualifiedNamespace ?? null,
      acceptWaitMs: file.serviceBus.acceptWaitMs,
    },
    cosmos: { endpoint: file.cosmos.endpoint, key: secret(file.cosmos.key) },
    api: { ...file.api, baseUrl: file.api.baseUrl.replace(/\/+$/, "") },
    telemetry: {
      logLevel: file.telemetry.logLevel,
      otlpEndpoint: file.telemetry.otlpEndpoint ?? null,
    },
    targets,
  });
  return { settings, shown: shownSettings(file, sources, defaulted) };
}

/**
 * Problems that involve several fields. Checks whatever is present, so that they are reported together with the others.
 */
function crossProblems(document: unknown): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const has = (path: string): boolean => getPath(document, path) !== undefined;
  if (
    has("serviceBus") &&
    has("serviceBus.connectionString") === has("serviceBus.fullyQualifiedNamespace")
  ) {
    problems.push({
      field: "$.serviceBus",
      problem:
        "give exactly one of connectionString (or connectionStringFile), fullyQualifiedNamespace",
    });
  }
  const endpoint = getPath(document, "cosmos.endpoint");
  if (typeof endpoint === "string" && endpoint.startsWith("http://") && !has("cosmos.key")) {
    problems.push({
      field: "$.cosmos.key",
      problem: "is required over http: the SDK sends identity tokens over https only",
    });
  }
  const first = getPath(document, "retry.firstRetryMs");
  const longest = getPath(document, "retry.longestRetryMs");
  if (typeof first === "number" && typeof longest === "number" && first > longest) {
    problems.push({
      field: "$.retry.longestRetryMs",
      problem: "must not be less than firstRetryMs",
    });
  }
  return problems;
}

function targetEntries(document: Record<string, unknown>, problems: FieldProblem[]): TargetEntry[] {
  const targets = document["targets"];
  if (!isRecord(targets)) return [];
  const entries: TargetEntry[] = [];
  for (const [name, settings] of Object.entries(targets)) {
    if (!isRecord(settings) || typeof settings["connector"] !== "string") continue;
    const kind = settings["connector"];
    const connector = registry.get(kind);
    if (connector === undefined) {
      const suggestion = nearest(kind, [...registry.keys()]);
      problems.push({
        field: `$.targets.${name}.connector`,
        problem: `there is no connector '${clip(kind, limits.nameChars)}'; there are: ${[...registry.keys()].join(", ")}`,
        ...(suggestion === undefined ? {} : { hint: `did you mean '${suggestion}'?` }),
      });
      continue;
    }
    try {
      entries.push({ name: name as TargetName, connector: kind, open: connector(settings, name) });
    } catch (error) {
      if (!(error instanceof PosternError)) throw error;
      for (const line of error.message.split("\n")) {
        const [, path = "", problem = line] = /^\$([^:]*): (.*)$/.exec(line) ?? [];
        problems.push({ field: `$.targets.${name}${path}`, problem });
      }
    }
  }
  return entries;
}

/** Validates the settings of one kind of target and returns how to open it. */
type Opener = (settings: unknown, name: string) => TargetEntry["open"];

/** Connectors by kind, each closed over its own settings type. */
const registry: ReadonlyMap<string, Opener> = new Map(
  Object.values(connectors).map((connector) => [connector.kind, opener(connector)]),
);

function opener<T>(connector: Connector<T, AnyTargetContext>): Opener {
  return (settings, name) => {
    const parsed = connector.parseSettings(settings);
    return (threadProgram) => connector.open(parsed, { name, sqliteThreadProgram: threadProgram });
  };
}

const REDACTED = new Secret("").toString();

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function shownSettings(
  file: SettingsFile,
  sources: ReadonlyMap<string, string>,
  defaulted: ReadonlyMap<string, string>,
): ShownSetting[] {
  const shown: ShownSetting[] = [];
  for (const { path, kind } of settingLeaves) {
    const value = getPath(file, path);
    if (value === undefined) continue;
    shown.push({
      path,
      value: kind === "secret" ? REDACTED : textOf(value),
      source: sources.get(path) ?? defaulted.get(path) ?? "default",
    });
  }
  for (const [name, settings] of Object.entries(file.targets)) {
    for (const [key, value] of Object.entries(settings)) {
      const path = `targets.${name}.${key}`;
      // A connector's settings may hold a password in a URL, so only values that are certainly no secret are shown.
      const plain = key === "connector" || key.endsWith("File") || typeof value === "number";
      shown.push({
        path,
        value: plain ? textOf(value) : REDACTED,
        source: sources.get(path) ?? "file",
      });
    }
  }
  return shown;
}
