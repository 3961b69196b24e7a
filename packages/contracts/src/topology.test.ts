import { describe, expect, test } from "@jest/globals";
import { GroupName, TargetName } from "./words/ids";
import {
  agentRights,
  cloudRights,
  containers,
  containerTopology,
  cosmosTopology,
  ledgerContainerName,
  queueTopology,
  type Right,
  workQueueName,
} from "./topology";

const group = (name: string, ...targets: string[]) => ({
  name: GroupName.parse(name),
  targets: targets.map((target) => TargetName.parse(target)),
});
const groups = [group("main", "hr-db", "crm"), group("plant", "mes")];
const queues = queueTopology(groups);

describe("queues", () => {
  test("are one per group and target, jobs and results per group, and one to start", () => {
    expect(queues.map(({ name }) => name)).toEqual([
      "sync-start",
      "sync-main-hr-db",
      "sync-main-crm",
      "jobs-main",
      "results-main",
      "sync-plant-mes",
      "jobs-plant",
      "results-plant",
    ]);
  });

  test("that carry lanes or streams have sessions, the others have none", () => {
    for (const { name, requiresSession } of queues)
      expect(requiresSession).toBe(name.startsWith("sync-"));
  });

  test("keep within what Service Bus takes", () => {
    for (const queue of queues) {
      expect(queue.name).toMatch(/^[a-z0-9-]{1,260}$/);
      expect(queue.lockDurationMs).toBeLessThanOrEqual(300_000);
      expect(queue.maxDeliveryCount).toBeLessThanOrEqual(2_000);
      expect(queue.duplicateDetectionWindowMs ?? 20_000).toBeGreaterThanOrEqual(20_000);
    }
  });

  test("lose no work silently: what expires is dead-lettered, but for ticks, which the next one replaces", () => {
    expect(
      queues.filter(({ deadLetterOnExpiry }) => !deadLetterOnExpiry).map(({ name }) => name),
    ).toEqual(["sync-start"]);
  });

  test("take a shorter lock for tests of failover", () => {
    const [start, work] = queueTopology(groups, { lockDurationMs: 5_000 });
    expect([start?.lockDurationMs, work?.lockDurationMs]).toEqual([25_000, 5_000]);
  });
});

describe("containers", () => {
  test("hold what the schemas' partition keys say", () => {
    const keys = Object.fromEntries(
      containerTopology(groups).map((each) => [each.name, each.partitionKeyPath]),
    );
    expect(keys).toEqual({
      definitions: "/id",
      progress: "/definition",
      index: "/lane",
      holds: "/definition",
      jobs: "/id",
      agents: "/id",
      deadletters: "/group",
      audit: "/subject",
      parked: "/group",
      security: "/group",
      "ledger-main": "/lane",
      "ledger-plant": "/lane",
    });
  });

  test("never let the index, the ledgers or the holds expire", () => {
    const kept = containerTopology(groups).filter((each) => each.defaultTtlSeconds === null);
    expect(kept.map(({ name }) => name)).toEqual([
      "definitions",
      "index",
      "holds",
      "ledger-main",
      "ledger-plant",
    ]);
  });

  test("reach the Cosmos emulator as one database with the same keys and expiries", () => {
    const [database, ...others] = cosmosTopology(groups).databases;
    expect(others).toEqual([]);
    expect(database?.id).toBe("postern");
    expect(database?.containers).toContainEqual({
      id: "progress",
      partitionKeyPaths: ["/definition"],
      defaultTtlSeconds: -1,
    });
    expect(database?.containers.map(({ id }) => id)).toEqual(
      containerTopology(groups).map(({ name }) => name),
    );
  });
});

describe("rights", () => {
  const text = (right: Right): string => `${right.role} ${right.kind} ${right.name}`;

  test("of an agent end at its own group", () => {
    const [main, plant] = groups.map((each) => new Set(agentRights(each).map(text)));
    const shared = [...(main ?? [])].filter((right) => plant?.has(right));
    expect(shared).toEqual(["read blob claim-checks"]);
    expect([...(main ?? [])].filter((right) => right.includes("plant"))).toEqual([]);
  });

  test("of an agent never let it send work or read results", () => {
    for (const right of groups.flatMap(agentRights)) {
      if (right.kind !== "queue") continue;
      expect(right.role).toBe(right.name.startsWith("results-") ? "send" : "receive");
    }
  });

  test("of the cloud reach every container of its own, and no ledger", () => {
    const reached = cloudRights(groups).filter(({ kind }) => kind === "container");
    expect(reached.map(({ name }) => name).toSorted()).toEqual(
      Object.values(containers).toSorted(),
    );
    const ledgers = groups.map(({ name }) => ledgerContainerName(name));
    expect(reached.some(({ name }) => ledgers.includes(name))).toBe(false);
  });

  test("give every queue someone who sends and someone who receives", () => {
    const rights = new Set([...cloudRights(groups), ...groups.flatMap(agentRights)].map(text));
    for (const { name } of queues) {
      expect([name, rights.has(`send queue ${name}`), rights.has(`receive queue ${name}`)]).toEqual(
        [name, true, true],
      );
    }
    expect(workQueueName(GroupName.parse("main"), TargetName.parse("crm"))).toBe("sync-main-crm");
  });
});
