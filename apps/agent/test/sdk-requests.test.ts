import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { connectServiceBus } from "../src/azure/service-bus-client";
import { serviceBusCode } from "../src/azure/service-bus-errors";
import { Secret, workQueueName } from "@postern/contracts";
import { group, target, workOf } from "./work";
import { eventually, startWorld, type World } from "./world";

let world: World;
beforeEach(async () => {
  world = await startWorld({ lockDurationMs: 60_000 });
});
afterEach(() => world.close());

function inner(value: unknown, ...names: readonly string[]): unknown {
  return names.reduce<unknown>(
    (found, name) =>
      typeof found === "object" && found !== null ? Reflect.get(found, name) : undefined,
    value,
  );
}

/**
 * After a drop the SDK may reopen the same connection once before it takes a new one. rhea then forgets what the other
 * side reported for every link, and a pending request still waits for its time-out. That time-out asks the link for its
 * address; it once threw out of its timer and ended the agent (tools/patches/rhea-promise@3.0.3.patch).
 */
test("a request that is pending while its connection is reopened ends with its time-out", async () => {
  const client = connectServiceBus(
    { connectionString: new Secret(world.bus.connectionString) },
    1_000,
  );
  await world.send(workOf([{ id: "ann", version: 1, name: "Ann" }]));
  const receiver = await client.acceptNextSession(workQueueName(group, target), {
    maxAutoLockRenewalDurationInMs: 0,
  });
  const fault = world.bus.faults.add({
    kind: "delay",
    operation: "management:renew-session-lock",
    delayMs: 60_000,
    times: 100,
  });
  const ended = receiver.renewSessionLock().then(
    () => "renewed",
    // The first of the SDK's three tries.
    (error: unknown) => serviceBusCode(error instanceof AggregateError ? error.errors[0] : error),
  );
  await eventually("the renewal is under way", () =>
    world.bus.faults.list().some(({ id, struck }) => id === fault && struck > 0),
  );
  const connection = inner(client, "_connectionContext", "connection", "_connection");
  const forget = inner(connection, "_reset_remote_state");
  if (typeof forget !== "function")
    throw new Error("rhea keeps its state elsewhere: see the patch");
  Reflect.apply(forget, connection, []);
  expect(await ended).toBe("ServiceTimeout");
  world.bus.faults.clear();
  // Its links no longer know the other side, so it ends with the broker.
  client.close().catch(() => undefined);
});
