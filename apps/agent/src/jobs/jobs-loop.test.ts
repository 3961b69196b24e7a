import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  type AgentId,
  eventProperties,
  JOB_MESSAGE_TYPE,
  type JobMessage,
} from "@postern/contracts";
import { setTimeout as delay } from "node:timers/promises";
import { branch, group, target, tenant } from "../../test/work";
import { silentLog } from "../../test/world";
import { OutageError, systemClock, systemRandom } from "@postern/runtime";
import type { Broker, Delivery } from "../ports/broker";
import type { AttemptReply } from "../ports/control-api";
import { JobAttempts } from "./attempt";
import { jobKindRegistry } from "./kinds/registry";
import { JobsLoop } from "./jobs-loop";

const source = { tenant, branch, group, agent: "vm-1" as AgentId };
const leased: AttemptReply = {
  kind: "leased",
  attempt: 1,
  leaseUntil: new Date().toISOString(),
  proof: { key: "test-key", at: "2026-01-01T00:00:00.000Z", code: "A".repeat(43) },
};

/** A loop without pauses, over a queue that records how its messages are settled. */
function startLoop() {
  const settled: string[] = [];
  const world = { reply: leased, isRegistered: true, completes: true, ran: 0, settled };
  let deliver: (delivery: Delivery) => void = () => undefined;
  const registry = jobKindRegistry({ targets: new Map() }, [
    {
      kind: "target.test",
      run: async (_, signal) => {
        world.ran += 1;
        // Runs until its deadline.
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        return { ok: true, detail: "" };
      },
    },
  ]);
  const broker: Broker = {
    acceptLane: async () => undefined,
    openJobs: (_queue, _most, onDelivery) => {
      deliver = onDelivery;
      return {
        complete: async () => {
          if (!world.completes) throw new OutageError("broker", "unreachable", "gone");
          settled.push("completed");
        },
        deadLetter: async () => void settled.push("dead-lettered"),
        abandon: async () => void settled.push("abandoned"),
        stop: async () => void settled.push("stopped"),
        close: async () => void settled.push("closed"),
      };
    },
    send: async () => undefined,
    close: async () => undefined,
  };
  const shared = {
    clock: { ...systemClock, sleep: async () => undefined },
    random: systemRandom,
    broker,
    log: silentLog,
    source,
  };
  const loop = new JobsLoop({
    ...shared,
    api: {
      heartbeat: async () => ({ cancellations: [], nextHeartbeatMs: 10_000 }),
      leaseAttempt: async () => world.reply,
    },
    agent: source.agent,
    inFlight: 10,
    isRegistered: () => world.isRegistered,
    kinds: registry.kinds,
    attempts: new JobAttempts({ ...shared, registry }),
  });
  const send = async (): Promise<void> => {
    deliver(delivery);
    await delay(5);
  };
  return { loop, world, send };
}

const body: JobMessage = {
  messageId: "j1" as JobMessage["messageId"],
  tenant,
  branch,
  jobId: "j1" as JobMessage["jobId"],
  kind: "target.test",
  group,
  parameters: { target },
  timeoutSeconds: 5,
};
const delivery: Delivery = {
  messageId: "j1",
  deliveryCount: 0,
  properties: eventProperties({
    id: "j1",
    source: "test",
    type: JOB_MESSAGE_TYPE,
    time: new Date().toISOString(),
  }),
  body,
  returnCredit: () => undefined,
};

describe("a job message", () => {
  let started: ReturnType<typeof startLoop>;
  let stop: AbortController;
  let cut: AbortController;
  let ended: Promise<void>;
  beforeEach(() => {
    started = startLoop();
    stop = new AbortController();
    cut = new AbortController();
    ended = started.loop.run(stop.signal, cut.signal);
  });
  afterEach(async () => {
    stop.abort();
    cut.abort();
    await ended;
  });

  test("is not run until its completion is confirmed, because it may come again", async () => {
    const { world, send } = started;
    world.completes = false;
    await send();
    expect(world.ran).toBe(0);
    world.completes = true;
    await send();
    expect(world.ran).toBe(1);
  });

  test("is dropped when a registered agent keeps getting a conflict, because the job is over", async () => {
    const { world, send } = started;
    world.reply = { kind: "conflict", detail: "The job is over: cancelled." };
    await send();
    expect(world.settled).toEqual(["completed"]);
  });

  test("is given back on a conflict of an agent that has not registered", async () => {
    const { world, send } = started;
    world.reply = { kind: "conflict", detail: "Agent 'vm-1' has not registered." };
    world.isRegistered = false;
    await send();
    expect(world.settled).toEqual(["abandoned"]);
  });

  test("is given back immediately when it arrives during a drain", async () => {
    const { world, send } = started;
    stop.abort();
    await send();
    await ended;
    expect(world.settled).toEqual(["abandoned", "stopped", "closed"]);
  });
});
