import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type ItemResult, type Lane, workQueueName } from "@postern/contracts";
import { CAREFUL_AFTER_CRASHES, POISON_AFTER_TRIALS } from "../src/suspects/trial";
import { type AgentProcess, startAgentProcess } from "./agent-process";
import { definition, group, idsInLane, workMessageOf, person, target } from "./work";
import { eventually, startWorld, type World } from "./world";

let world: World;
let running: AgentProcess | undefined;
let stopped = false;
beforeEach(async () => {
  stopped = false;
  world = await startWorld({ lockDurationMs: 1_000 });
});
afterEach(async () => {
  stopped = true;
  running?.child.kill("SIGKILL");
  await world.close();
});

/** Restarts an agent that ends, as a service manager does. */
async function keepRunning(): Promise<number> {
  const NODE_OPTIONS = `--require ${JSON.stringify(require.resolve("./end-on-value.cjs"))}`;
  let ends = 0;
  while (!stopped) {
    running = await startAgentProcess(world, {
      env: { NODE_OPTIONS },
      settings: "identity: { disableInstanceDiscovery: true }",
    });
    await running.exited;
    if (!stopped) ends += 1;
  }
  return ends;
}

const itemsReported = (): ItemResult[] =>
  world.results.flatMap(({ results }) => results).flatMap(({ items }) => items);

test("an item that ends the process each time is dead-lettered, and its neighbours are applied once", async () => {
  const lane = `${definition}/03` as Lane;
  const other = `${definition}/07` as Lane;
  const ids = idsInLane(12, lane);
  const poison = ids[4] ?? "";
  const alsoPoison = ids[7] ?? "";
  const name = (id: string): string =>
    id === poison || id === alsoPoison ? "END_PROCESS" : `Person ${id}`;
  await world.send([
    workMessageOf(
      lane,
      ids.slice(0, 10).map((id) => person({ id, version: 1, name: name(id) })),
      { part: "0" },
    ),
    workMessageOf(
      lane,
      ids.slice(10).map((id) => person({ id, version: 1, name: name(id) })),
      { part: "1" },
    ),
    workMessageOf(
      other,
      idsInLane(10, other, "o").map((id) => person({ id, version: 1, name: `Other ${id}` })),
    ),
  ]);
  const done = keepRunning();
  await eventually("every outcome", () => world.outcomes().size === 22, 100_000);
  stopped = true;
  running?.child.kill("SIGKILL");

  expect(await done).toBe(CAREFUL_AFTER_CRASHES + 1 + 2 * POISON_AFTER_TRIALS);
  const deadLetters = itemsReported().filter(({ outcome }) => outcome !== "applied");
  expect(deadLetters.map(({ entity }) => entity.id)).toEqual([poison, alsoPoison]);
  expect(deadLetters[0]).toMatchObject({
    outcome: "dead-lettered",
    failure: "poison",
    code: "poison",
    item: { key: { id: poison }, values: { display_name: "END_PROCESS" } },
    attempts: [{ agent: "vm-1", failure: "poison" }],
  });
  expect(deadLetters[0]?.reason).toMatch(
    /ended each of the 6 times that this item was applied on its own.*replay this dead letter/,
  );
  const rows = world.database.prepare("SELECT id FROM audit ORDER BY id").all();
  expect(rows).toHaveLength(20);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(20);
  expect(await world.deadLetters(workQueueName(group, target))).toEqual([]);
}, 120_000);
