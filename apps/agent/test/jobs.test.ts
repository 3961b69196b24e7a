import { afterEach, beforeEach, expect, test } from "@jest/globals";
import {
  eventProperties,
  JOB_MESSAGE_TYPE,
  type JobResultMessage,
  jobsQueueName,
} from "@postern/contracts";
import { setTimeout as delay } from "node:timers/promises";
import type { Agent, AgentPorts } from "../src";
import { branch, group, target, tenant } from "./work";
import { eventually, startWorld, type World } from "./world";

let world: World;
let agent: Agent;
beforeEach(async () => {
  world = await startWorld();
  agent = await world.agent();
  agent.start();
});
afterEach(() => world.close());

async function sendJob(jobId: string, change: object = {}): Promise<void> {
  const sender = world.client.createSender(jobsQueueName(group));
  await sender.sendMessages({
    messageId: jobId,
    contentType: "application/json",
    applicationProperties: eventProperties({
      id: jobId,
      source: "test",
      type: JOB_MESSAGE_TYPE,
      time: new Date().toISOString(),
    }),
    body: {
      messageId: jobId,
      tenant,
      branch,
      jobId,
      kind: "target.test",
      group,
      parameters: { target },
      timeoutSeconds: 5,
      ...change,
    },
  });
  await sender.close();
}
const results = (): JobResultMessage[] => world.jobResults as JobResultMessage[];
const leases = (): string[] =>
  world.calls.map(({ path }) => path).filter((path) => path.endsWith("/attempts"));

test("target.test leases an attempt, probes the target live and reports its product and duration", async () => {
  await sendJob("j1");
  await eventually("the result", () => results().length === 1);
  expect(leases()).toEqual(["/api/jobs/j1/attempts"]);
  expect(results()[0]).toMatchObject({
    jobId: "j1",
    attempt: 1,
    agent: "vm-1",
    result: { ok: true, data: { target, connector: "sql" } },
  });
  expect(results()[0]?.result.detail).toContain("SQLite");
  expect(await world.deadLetters(jobsQueueName(group))).toEqual([]);
});

test("target.test of an unknown target lists the targets that the agent has", async () => {
  await sendJob("j2", { parameters: { target: "no-such-db" } });
  await eventually("the result", () => results().length === 1);
  expect(results()[0]?.result).toMatchObject({ ok: false, code: "target-unknown" });
  expect(results()[0]?.result.detail).toContain(target);
});

test("a job whose attempt another agent holds is dropped without running", async () => {
  world.lease.status = 409;
  await sendJob("j3");
  await eventually("the lease request", () => leases().length === 1);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(results()).toEqual([]);
  const receiver = world.client.createReceiver(jobsQueueName(group));
  expect(await receiver.peekMessages(1)).toEqual([]);
  await receiver.close();
});

test("a hundred jobs run at the same time and each reports once", async () => {
  await Promise.all(Array.from({ length: 100 }, (_, index) => sendJob(`many-${index}`)));
  await eventually("a hundred results", () => results().length === 100);
  expect(new Set(results().map(({ jobId }) => jobId)).size).toBe(100);
});

test("a job message that is malformed, of another group or of a kind for the cloud is dead-lettered without a lease", async () => {
  await sendJob("bad-1", { timeoutSeconds: -1 });
  await sendJob("bad-2", { group: "elsewhere" });
  await sendJob("bad-3", { kind: "sync.entities" });
  const codes = new Map<unknown, unknown>();
  await eventually("three dead letters", async () => {
    for (const letter of await world.deadLetters(jobsQueueName(group)))
      codes.set(letter.messageId, letter.deadLetterReason);
    return codes.size === 3;
  });
  expect(Object.fromEntries(codes)).toEqual({
    "bad-1": "message-malformed",
    "bad-2": "message-wrong-address",
    "bad-3": "job-kind-unknown",
  });
  expect(leases()).toEqual([]);
});

/** Slows down `target.test`, and nothing else. */
function slowToTest(durationMs: number): AgentPorts["targets"] {
  const probe: NonNullable<ReturnType<AgentPorts["targets"]["get"]>>["probe"] = async ({
    thorough,
  }) => {
    if (thorough === true) await delay(durationMs);
    return { reachable: true, durationMs: 1 };
  };
  const apply = async (): Promise<never[]> => [];
  const close = async (): Promise<void> => undefined;
  const limits = { kind: "sql", hasInbox: true, maxBatchItems: 100 } as const;
  return new Map([[target, { name: target, ...limits, probe, apply, close }]]);
}

test("a draining agent reports its jobs until they end, and takes no further ones", async () => {
  await agent.stop("for another", 2_000);
  const draining = await world.agent({ ports: { targets: slowToTest(3_000) } });
  draining.start();
  await sendJob("in-hand");
  await eventually("the job runs", () => draining.stats().jobsInFlight === 1);
  const stopped = draining.stop("test", 10_000);
  await delay(300);
  const before = world.heartbeats.length;
  await sendJob("late");
  const receiver = world.client.createReceiver(jobsQueueName(group));
  const [late] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 2_000 });
  expect(late?.messageId).toBe("late");
  await receiver.close();
  await eventually("the job in hand ends", () => results().length === 1);
  const since = world.heartbeats.slice(before);
  expect(since.map(({ jobs }) => jobs)).toContainEqual([{ jobId: "in-hand", attempt: 1 }]);
  expect(since[0]?.state).toBe("draining");
  await stopped;
});
