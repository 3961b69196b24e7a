import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type Lane, ParkedMessage, workQueueName } from "@postern/contracts";
import { createAgent, loadSettings } from "../src";
import { workTypes } from "../src/lanes/work-reader";
import { busMessage, definition, group, idsInLane, workMessageOf, person, target } from "./work";
import { eventually, silentLog, startWorld, threadProgram, type World } from "./world";

const V2 = "postern.sync.apply.v2";
const queue = workQueueName(group, target);
const lane = `${definition}/03` as Lane;
let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

/** A message of the next major version: the items have a different name. */
function nextMajor(id: string): ReturnType<typeof busMessage> {
  const message = workMessageOf(lane, [person({ id, version: 1, name: "of two" })], { part: "9" });
  const { items, ...envelope } = message;
  const wire = busMessage(message);
  return {
    ...wire,
    applicationProperties: { ...wire.applicationProperties, "cloudEvents:type": V2 },
    body: { ...envelope, changes: items },
  };
}

test("work of an unknown major version is parked and settled, its neighbours are applied, and an agent that can read it applies it", async () => {
  const [ann = "", ben = "", cat = ""] = idsInLane(3);
  const old = await world.agent();
  old.start();
  const before = busMessage(workMessageOf(lane, [person({ id: ann, version: 1, name: "Ann" })]));
  const after = busMessage(
    workMessageOf(lane, [person({ id: cat, version: 1, name: "Cat" })], { part: "1" }),
  );
  await world.sendRaw([before, nextMajor(ben), after], queue);
  await eventually("neighbours and the parked one", () => {
    return world.outcomes().size === 2 && world.jobResults.length === 1;
  });
  const parked = ParkedMessage.parse(world.jobResults[0]);
  expect(parked).toMatchObject({
    group,
    target,
    sessionId: lane,
    workMessageId: nextMajor(ben).messageId,
    unreadType: V2,
    properties: { "cloudEvents:type": V2, "postern:count": 1 },
  });
  expect(parked.reason).toContain(`reads ${V2}`);
  await eventually("the lane is given up", () => old.stats().lanesHeld === 0);
  const receiver = world.client.createReceiver(queue);
  expect(await receiver.peekMessages(10)).toEqual([]);
  await receiver.close();
  expect(await world.deadLetters(queue)).toEqual([]);
  await old.stop("replaced");

  const { settings } = loadSettings({
    env: {},
    fileText: world.settingsText(),
    readSecretFile: () => "",
  });
  const upgrade = (body: unknown): unknown =>
    typeof body === "object" && body !== null
      ? { ...body, items: Reflect.get(body, "changes") }
      : body;
  const next = await createAgent({
    settings,
    threadProgram,
    ports: { log: silentLog },
    types: new Map([...workTypes, [V2, upgrade]]),
  });
  next.start();
  try {
    // Sent again as the cloud does: another message id, the same body.
    await world.sendRaw(
      [
        {
          ...nextMajor(ben),
          messageId: `${parked.workMessageId}~p1`,
          applicationProperties: { ...nextMajor(ben).applicationProperties },
          body: JSON.parse(parked.payload),
        },
      ],
      queue,
    );
    await eventually("its outcome", () => world.outcomes().size === 3);
    const row = world.database.prepare("SELECT display_name FROM people WHERE id = ?").get(ben);
    expect(row).toEqual({ display_name: "of two" });
  } finally {
    await next.stop("test ends", 2_000);
  }
});
