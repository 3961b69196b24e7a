import { afterEach, expect, test } from "@jest/globals";
import {
  CycleId,
  eventProperties,
  JOB_RESULT_MESSAGE_TYPE,
  PosternError,
  SyncDefinition,
} from "@postern/contracts";
import { setTimeout as delay } from "node:timers/promises";
import { listCycles, viewCycle } from "../src/cycles/cycle-views";
import { createDefinitionStore } from "../src/sync/definitions/definition-store";
import { applyDefinition } from "../src/sync/definitions/apply-definition";
import { consumeResults } from "../src/results/results";
import { leaseProof } from "../src/proofs/signing";
import { testSigner } from "./test-keys";
import type { Platform } from "../src/app/platform";
import { group, lettersOf, onlyUsers, people, resultOf, startWorld, type World } from "./world";

let world: World;
afterEach(() => world.close());

test("an item that waits is sent again even if its definition is newer than the cache", async () => {
  world = await startWorld({ users: people(1), groups: [] });
  const { database, clock } = world.ports as Platform;
  // A second instance, which has looked a moment ago.
  const second = createDefinitionStore(database, clock);
  await second.list();
  await applyDefinition(world.ports, SyncDefinition.parse(onlyUsers), {});
  await world.pump();
  const work = await world.takeWork();
  await consumeResults({ ...world.ports, definitions: second }, group, [
    resultOf(work, "waiting", {
      failure: "transient",
      retryAt: new Date(Date.now() + 1_000).toISOString(),
    }),
  ]);
  expect((await lettersOf(world)).map(({ reason }) => reason)).toEqual([]);
});

test("a cycle says what its items wait for, until they are done", async () => {
  world = await startWorld({ users: people(1), groups: [] });
  const definition = SyncDefinition.parse(onlyUsers);
  await applyDefinition(world.ports, definition, {});
  await world.pump();
  const cycle = async () => {
    const { items } = await listCycles(world.ports, definition.id, { limit: 1 });
    return viewCycle(world.ports, definition.id, items[0]?.id ?? CycleId.parse("none"));
  };
  const report = async (
    outcome: "waiting" | "applied",
    more: Record<string, unknown>,
  ): Promise<void> => {
    const work = await world.takeWork();
    await consumeResults(world.ports, group, [resultOf(work, outcome, more)]);
  };
  const waits = (reason: string) => ({
    failure: "dependency",
    code: "target-reference-missing",
    reason,
    retryAt: new Date(Date.now() + 1_000).toISOString(),
  });
  await report("waiting", waits("column 'boss' refers to a row that is not there yet"));
  expect(await cycle()).toMatchObject({
    waiting: 1,
    waitingFor: [
      {
        entity: { type: "user" },
        code: "target-reference-missing",
        reason: "column 'boss' refers to a row that is not there yet",
      },
    ],
  });
  await delay(1_500);
  await report("waiting", waits("another reason"));
  expect((await cycle())?.waitingFor.map(({ reason }) => reason)).toEqual(["another reason"]);
  await delay(1_500);
  await report("applied", {});
  expect(await cycle()).toMatchObject({ waiting: 0, waitingFor: [], state: "completed" });
});

test("a job's result is not taken for unreadable when too many writers change its job", async () => {
  world = await startWorld({ users: people(1), groups: [] });
  const at = new Date().toISOString();
  const lease = { tenant: "7d8ed8a5-9a0c-4d38-8d1c-5b1b1f5c0001", branch: "test", group };
  const busy = {
    ...world.ports.jobs,
    recordResult: () =>
      Promise.reject(
        new PosternError("conflict", "Job j is being changed by too many writers; try again."),
      ),
  };
  await consumeResults({ ...world.ports, jobs: busy }, group, [
    {
      messageId: "r1",
      deliveryCount: 1,
      properties: eventProperties({
        id: "r1",
        source: "/a",
        type: JOB_RESULT_MESSAGE_TYPE,
        time: at,
      }),
      body: {
        messageId: "r1",
        tenant: "7d8ed8a5-9a0c-4d38-8d1c-5b1b1f5c0001",
        branch: "test",
        group,
        agent: "a",
        jobId: "j1",
        attempt: 1,
        at,
        result: { ok: true, detail: "done" },
        proof: leaseProof(testSigner(), { ...lease, jobId: "j1", attempt: 1, agent: "a" }),
      },
    },
  ]).catch(() => undefined);
  // Either it comes again (the call rejected), or it was recorded: never a dead letter that swallows it.
  expect((await lettersOf(world)).map(({ code, reason }) => [code, reason])).toEqual([]);
});
