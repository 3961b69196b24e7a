import type { GroupName, TargetName } from "./words/ids";

/**
 * Queues, containers and rights as data. The local platform is built from it and the Bicep templates are checked
 * against it. `requiresSession`, `duplicateDetectionWindowMs` and partition keys cannot be changed after creation.
 */
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;
const DAY_SECONDS = 24 * 60 * 60;

export interface QueueTopology {
  readonly name: string;
  readonly requiresSession: boolean;
  readonly lockDurationMs: number;
  /** null: no duplicate detection. */
  readonly duplicateDetectionWindowMs: number | null;
  /** null: messages do not expire. */
  readonly defaultTtlMs: number | null;
  readonly maxDeliveryCount: number;
  readonly deadLetterOnExpiry: boolean;
}

export interface ContainerTopology {
  readonly name: string;
  readonly partitionKeyPath: string;
  /** null: no expiry; -1: only documents that carry their own `ttl` expire. */
  readonly defaultTtlSeconds: number | null;
}

/** A worker group and the targets its agents may reach. */
export interface WorkerGroup {
  readonly name: GroupName;
  readonly targets: readonly TargetName[];
}

export const startQueueName = "sync-start";
/** Stands for the worker group of queues that belong to none. */
export const cloudGroupName = "cloud";
export const workQueueName = (group: GroupName, target: TargetName): string =>
  `sync-${group}-${target}`;
export const jobsQueueName = (group: GroupName): string => `jobs-${group}`;
export const resultsQueueName = (group: GroupName): string => `results-${group}`;
export const ledgerContainerName = (group: GroupName): string => `ledger-${group}`;

export const databaseName = "postern";
export const containers = {
  definitions: "definitions",
  progress: "progress",
  index: "index",
  holds: "holds",
  jobs: "jobs",
  agents: "agents",
  deadLetters: "deadletters",
  audit: "audit",
  parked: "parked",
  security: "security",
} as const;

/** Delivery limit of work queues: our own attempt record decides, the broker's is only the last resort. */
const WORK_DELIVERY_LIMIT = 1_000;
/** How long history (markers, page records, ended jobs, audit of reads) is kept. */
export const historyTtlSeconds = 30 * DAY_SECONDS;

export interface TopologyTimings {
  /** Lock of work, job and result messages. A lower one makes failover tests quick. */
  readonly lockDurationMs?: number;
}

export function queueTopology(
  groups: readonly WorkerGroup[],
  timings: TopologyTimings = {},
): QueueTopology[] {
  const lockDurationMs = timings.lockDurationMs ?? MINUTE_MS;
  const duplicateDetectionWindowMs = 10 * MINUTE_MS;
  const start: QueueTopology = {
    name: startQueueName,
    requiresSession: true,
    lockDurationMs: Math.min(5 * MINUTE_MS, lockDurationMs * 5),
    duplicateDetectionWindowMs,
    defaultTtlMs: 60 * MINUTE_MS,
    maxDeliveryCount: 20,
    // A tick that nobody took for an hour is worthless: the next one does its work.
    deadLetterOnExpiry: false,
  };
  const ofGroup = (group: WorkerGroup): QueueTopology[] => [
    ...group.targets.map((target) => ({
      name: workQueueName(group.name, target),
      requiresSession: true,
      lockDurationMs,
      duplicateDetectionWindowMs,
      defaultTtlMs: 14 * DAY_MS,
      maxDeliveryCount: WORK_DELIVERY_LIMIT,
      deadLetterOnExpiry: true,
    })),
    {
      name: jobsQueueName(group.name),
      requiresSession: false,
      lockDurationMs,
      duplicateDetectionWindowMs,
      defaultTtlMs: 14 * DAY_MS,
      maxDeliveryCount: WORK_DELIVERY_LIMIT,
      deadLetterOnExpiry: true,
    },
    {
      name: resultsQueueName(group.name),
      requiresSession: false,
      lockDurationMs,
      duplicateDetectionWindowMs,
      defaultTtlMs: 14 * DAY_MS,
      maxDeliveryCount: WORK_DELIVERY_LIMIT,
      deadLetterOnExpiry: true,
    },
  ];
  return [start, ...groups.flatMap(ofGroup)];
}

export function containerTopology(groups: readonly WorkerGroup[]): ContainerTopology[] {
  const container = (
    name: string,
    partitionKeyPath: string,
    defaultTtlSeconds: number | null,
  ): ContainerTopology => ({ name, partitionKeyPath, defaultTtlSeconds });
  return [
    container(containers.definitions, "/id", null),
    container(containers.progress, "/definition", -1),
    container(containers.index, "/lane", null),
    container(containers.holds, "/definition", null),
    container(containers.jobs, "/id", -1),
    container(containers.agents, "/id", -1),
    container(containers.deadLetters, "/group", -1),
    container(containers.audit, "/subject", -1),
    container(containers.parked, "/group", -1),
    container(containers.security, "/group", -1),
    ...groups.map((group) => container(ledgerContainerName(group.name), "/lane", null)),
  ];
}

/** A database and its containers, in the shape that the Cosmos emulator reads its topology from. */
export interface CosmosTopology {
  readonly databases: {
    readonly id: string;
    readonly containers: {
      readonly id: string;
      readonly partitionKeyPaths: string[];
      readonly defaultTtlSeconds: number | null;
    }[];
  }[];
}

export function cosmosTopology(groups: readonly WorkerGroup[]): CosmosTopology {
  const containers = containerTopology(groups).map(
    ({ name, partitionKeyPath, defaultTtlSeconds }) => ({
      id: name,
      partitionKeyPaths: [partitionKeyPath],
      defaultTtlSeconds,
    }),
  );
  return { databases: [{ id: databaseName, containers }] };
}

/** The secret whose versions are the keys that the cloud stamps its work with; their ids are the key ids. */
export const workKeySecretName = "work-key";

/** A right on one entity, as Azure's data-plane roles express it. */
export interface Right {
  readonly kind: "queue" | "container" | "blob" | "secret";
  readonly name: string;
  readonly role: "receive" | "send" | "read" | "read-write";
}

/** Least privilege of an agent: its group's queues, results and ledger, claim checks and job blobs. Nothing else. */
export function agentRights(group: WorkerGroup): Right[] {
  return [
    ...group.targets.map((target): Right => ({
      kind: "queue",
      name: workQueueName(group.name, target),
      role: "receive",
    })),
    { kind: "queue", name: jobsQueueName(group.name), role: "receive" },
    { kind: "queue", name: resultsQueueName(group.name), role: "send" },
    { kind: "container", name: ledgerContainerName(group.name), role: "read-write" },
    { kind: "blob", name: "claim-checks", role: "read" },
    { kind: "blob", name: `jobs-${group.name}`, role: "read-write" },
  ];
}

/**
 * Rights of the cloud app: the reverse of the agents', and no reading of ledgers. It may also receive from work and job
 * queues, because roles cannot be assigned on a dead-letter queue, and the cloud drains those.
 */
export function cloudRights(groups: readonly WorkerGroup[]): Right[] {
  const queue = (name: string, role: "receive" | "send"): Right => ({ kind: "queue", name, role });
  return [
    queue(startQueueName, "send"),
    queue(startQueueName, "receive"),
    ...groups.flatMap((group): Right[] => [
      ...group.targets.flatMap((target) => [
        queue(workQueueName(group.name, target), "send"),
        queue(workQueueName(group.name, target), "receive"),
      ]),
      queue(jobsQueueName(group.name), "send"),
      queue(jobsQueueName(group.name), "receive"),
      queue(resultsQueueName(group.name), "receive"),
      { kind: "blob", name: `jobs-${group.name}`, role: "read" },
    ]),
    ...Object.values(containers).map((name): Right => ({
      kind: "container",
      name,
      role: "read-write",
    })),
    { kind: "blob", name: "claim-checks", role: "read-write" },
    { kind: "secret", name: workKeySecretName, role: "read" },
  ];
}
