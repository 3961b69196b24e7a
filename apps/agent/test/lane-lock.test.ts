import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Secret, workQueueName } from "@postern/contracts";
import { ServiceBusBroker } from "../src/azure/service-bus-broker";
import { connectServiceBus } from "../src/azure/service-bus-client";
import { systemClock } from "@postern/runtime";
import { group, target, workOf } from "./work";
import { silentLog, startWorld, type World } from "./world";

const acceptWaitMs = 20_000;
let world: World;
let broker: ServiceBusBroker;
beforeEach(async () => {
  world = await startWorld({ lockDurationMs: 2_000 });
  const connectionString = new Secret(world.bus.connectionString);
  broker = new ServiceBusBroker({
    clock: systemClock,
    log: silentLog,
    acceptWaitMs,
    sendQueues: [],
    connect: () => connectServiceBus({ connectionString }, acceptWaitMs),
  });
});
afterEach(async () => {
  world.bus.faults.clear();
  await broker.close();
  await world.close();
});

test("a lane is lost when its lock expires, even if its renewal is never answered and nothing checks it", async () => {
  world.bus.faults.add({
    kind: "delay",
    operation: "management:renew-session-lock",
    delayMs: 60_000,
    times: 100,
  });
  await world.send(workOf([{ id: "ann", version: 1, name: "Ann" }]));
  const stop = new AbortController().signal;
  const lane = await broker.acceptLane(workQueueName(group, target), stop);
  if (lane === undefined) throw new Error("the lane has work");
  const began = performance.now();
  await new Promise((resolve) => lane.lost.addEventListener("abort", resolve));
  expect(lane.lost.reason).toMatchObject({ code: "lock-lost" });
  // The SDK gives up the renewal after this long at the earliest.
  expect(performance.now() - began).toBeLessThan(acceptWaitMs);
  await lane.close();
});
