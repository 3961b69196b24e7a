import { AgentId, BranchId, GroupName, TargetName, TenantId } from "@postern/contracts";
import { z } from "zod";
import { defaultRetryLimits } from "../units/failure-policy";
import { defaultLaneLimits } from "../lanes/lane-policy";

const url = z.url({ protocol: /^https?$/, error: "must be an http or https URL" }).max(2_000);
const text = z.string().min(1, { error: "must not be empty" }).max(4_000);
/** Whole numbers. The messages name the bounds, because people read them, not the schema. */
const whole = (least: number, most: number) =>
  z
    .int({ error: `must be a whole number from ${least} to ${most}` })
    .min(least, { error: `must be at least ${least}` })
    .max(most, { error: `must be at most ${most}` });
const HOUR_MS = 3_600_000;

/** A target in the settings file; its connector validates the other keys. */
const TargetSettings = z.looseObject({ connector: text });

/** The settings file. A setting has a default wherever one value can suit everyone. */
export const SettingsFile = z.strictObject({
  /** Unique in the branch. */
  agentId: AgentId,
  branch: BranchId,
  tenant: TenantId,
  group: GroupName,
  serviceBus: z.strictObject({
    connectionString: text.optional(),
    /** Used with the machine's identity, instead of a connection string. */
    fullyQualifiedNamespace: text.optional(),
    /** How long the broker may keep a request for work waiting. */
    acceptWaitMs: whole(1_000, 60_000).default(15_000),
  }),
  cosmos: z.strictObject({
    endpoint: url,
    /** Absent: the machine's identity is used. */
    key: text.optional(),
  }),
  api: z.strictObject({
    /** Includes `/api`. */
    baseUrl: url,
    /** Scope of the tokens that the API accepts, for example `api://postern/.default`. */
    scope: text,
    timeoutMs: whole(100, 60_000).default(8_000),
  }),
  identity: z.strictObject({ disableInstanceDiscovery: z.boolean().default(false) }).prefault({}),
  targets: z
    .record(TargetName, TargetSettings)
    .refine((targets) => Object.keys(targets).length <= 200, { error: "at most 200 targets" })
    .default({}),
  concurrency: z
    .strictObject({
      /**
       * Lanes of one target held at the same time. Default: all 16 of one definition, and two slots that ask for the
       * next.
       */
      lanesPerTarget: whole(1, 64).default(18),
      // The upper bound is what a heartbeat can list.
      jobsInFlight: whole(1, 1_000).default(1_000),
    })
    .prefault({}),
  lanes: z
    .strictObject({
      /** Items after which a lane is given up, so that other lanes get a turn. */
      items: whole(1, 100_000).default(defaultLaneLimits.items),
      heldMs: whole(100, 60_000).default(defaultLaneLimits.heldMs),
      idleMs: whole(0, 60_000).default(defaultLaneLimits.idleMs),
      idleWhenBusyMs: whole(0, 60_000).default(defaultLaneLimits.idleWhenBusyMs),
    })
    .prefault({}),
  retry: z
    .strictObject({
      firstRetryMs: whole(100, HOUR_MS).default(defaultRetryLimits.firstRetryMs),
      longestRetryMs: whole(100, 24 * HOUR_MS).default(defaultRetryLimits.longestRetryMs),
      giveUpAfterMs: whole(0, 7 * 24 * HOUR_MS).default(defaultRetryLimits.giveUpAfterMs),
    })
    .prefault({}),
  probe: z
    .strictObject({
      timeoutMs: whole(100, 60_000).default(10_000),
      /** A target that has completed no unit for this long is probed again. */
      idleMs: whole(1_000, HOUR_MS).default(30_000),
    })
    .prefault({}),
  heartbeat: z.strictObject({ intervalMs: whole(100, 300_000).default(10_000) }).prefault({}),
  drain: z
    .strictObject({
      /** Time from a stop signal to the end of the process. */
      deadlineMs: whole(100, 300_000).default(10_000),
    })
    .prefault({}),
  telemetry: z
    .strictObject({
      logLevel: z
        .enum(["debug", "info", "warn", "error", "silent"], {
          error: "must be debug, info, warn, error or silent",
        })
        .default("info"),
      otlpEndpoint: url.optional(),
    })
    .prefault({}),
});
export type SettingsFile = z.output<typeof SettingsFile>;

export interface SettingLeaf {
  readonly path: string;
  readonly kind: "text" | "number" | "boolean" | "secret";
}

const leaf = (path: string, kind: SettingLeaf["kind"] = "text"): SettingLeaf => ({ path, kind });

/**
 * Every setting, for environment names and `config --show`. A secret may also come from the file that `…File` names.
 */
export const settingLeaves: readonly SettingLeaf[] = [
  leaf("agentId"),
  leaf("branch"),
  leaf("tenant"),
  leaf("group"),
  leaf("serviceBus.connectionString", "secret"),
  leaf("serviceBus.fullyQualifiedNamespace"),
  leaf("serviceBus.acceptWaitMs", "number"),
  leaf("cosmos.endpoint"),
  leaf("cosmos.key", "secret"),
  leaf("api.baseUrl"),
  leaf("api.scope"),
  leaf("api.timeoutMs", "number"),
  leaf("identity.disableInstanceDiscovery", "boolean"),
  leaf("concurrency.lanesPerTarget", "number"),
  leaf("concurrency.jobsInFlight", "number"),
  leaf("lanes.items", "number"),
  leaf("lanes.heldMs", "number"),
  leaf("lanes.idleMs", "number"),
  leaf("lanes.idleWhenBusyMs", "number"),
  leaf("retry.firstRetryMs", "number"),
  leaf("retry.longestRetryMs", "number"),
  leaf("retry.giveUpAfterMs", "number"),
  leaf("probe.timeoutMs", "number"),
  leaf("probe.idleMs", "number"),
  leaf("heartbeat.intervalMs", "number"),
  leaf("drain.deadlineMs", "number"),
  leaf("telemetry.logLevel"),
  leaf("telemetry.otlpEndpoint"),
];

/** All keys of the file, for "did you mean" hints. */
export const knownKeys: readonly string[] = [
  ...new Set([
    "targets",
    "connector",
    ...settingLeaves.flatMap(({ path, kind }) => [
      ...path.split("."),
      ...(kind === "secret" ? [`${path.split(".").at(-1)}File`] : []),
    ]),
  ]),
];
