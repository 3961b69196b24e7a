import {
  agentRights,
  cloudRights,
  containerTopology,
  databaseName,
  GroupName,
  ledgerContainerName,
  queueTopology,
  type QueueTopology,
  type Right,
  startQueueName,
  TargetName,
  workKeySecretName,
} from "@postern/contracts";

/** Placeholder names, which distinguish the queues of a group or target from fixed ones. */
const group = { name: GroupName.parse("a-group"), targets: [TargetName.parse("a-target")] };
const pattern = (name: string): string =>
  name.replace(group.name, "{group}").replace(group.targets[0] ?? "", "{target}");

/** ISO 8601 duration, as Azure Resource Manager expects. */
function isoDuration(ms: number): string {
  const units: readonly [number, string, string][] = [
    [86_400_000, "P", "D"],
    [3_600_000, "PT", "H"],
    [60_000, "PT", "M"],
    [1_000, "PT", "S"],
  ];
  for (const [unit, before, after] of units) {
    if (ms % unit === 0) return `${before}${ms / unit}${after}`;
  }
  throw new RangeError(`${ms} ms is not a whole number of seconds`);
}

/** Properties of a queue as Microsoft.ServiceBus expects them. */
function queueProperties(queue: QueueTopology): Record<string, unknown> {
  return {
    requiresSession: queue.requiresSession,
    lockDuration: isoDuration(queue.lockDurationMs),
    requiresDuplicateDetection: queue.duplicateDetectionWindowMs !== null,
    ...(queue.duplicateDetectionWindowMs === null
      ? {}
      : { duplicateDetectionHistoryTimeWindow: isoDuration(queue.duplicateDetectionWindowMs) }),
    ...(queue.defaultTtlMs === null
      ? {}
      : { defaultMessageTimeToLive: isoDuration(queue.defaultTtlMs) }),
    maxDeliveryCount: queue.maxDeliveryCount,
    deadLetteringOnMessageExpiration: queue.deadLetterOnExpiry,
    maxSizeInMegabytes: 5_120,
  };
}

const kinds = {
  [startQueueName]: "start",
  "sync-{group}-{target}": "work",
  "jobs-{group}": "jobs",
  "results-{group}": "results",
};

const containerResource = (name: string, partitionKeyPath: string, ttl: number | null) => ({
  id: name,
  partitionKey: { paths: [partitionKeyPath], kind: "Hash", version: 2 },
  ...(ttl === null ? {} : { defaultTtl: ttl }),
});

/** `modules/topology.json`: queues, containers and rights of the contracts in the terms of the templates. */
export function topologyData() {
  const queues = queueTopology([group]).map((queue) => {
    const name = pattern(queue.name);
    const kind = new Map(Object.entries(kinds)).get(name);
    if (kind === undefined) throw new RangeError(`the templates know no queue '${name}'`);
    return [kind, { name, properties: queueProperties(queue) }] as const;
  });
  const containers = containerTopology([group]);
  const ledger = ledgerContainerName(group.name);
  const resource = (each: (typeof containers)[number]) =>
    containerResource(pattern(each.name), each.partitionKeyPath, each.defaultTtlSeconds);
  const rights = (all: readonly Right[]) =>
    all.map((right) => ({ ...right, name: pattern(right.name) }));
  return {
    database: databaseName,
    queues: Object.fromEntries(queues),
    containers: containers.filter(({ name }) => name !== ledger).map(resource),
    ledger: containers.filter(({ name }) => name === ledger).map(resource)[0],
    workKeySecret: workKeySecretName,
    agentRights: rights(agentRights(group)),
    cloudRights: rights(cloudRights([group])),
  };
}
