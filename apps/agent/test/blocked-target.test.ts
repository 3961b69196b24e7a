import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type TargetName, workQueueName } from "@postern/contracts";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type AgentProcess, startAgentProcess } from "./agent-process";
import { group, target, workOf } from "./work";
import { createTarget, eventually, startWorld, type World } from "./world";

const lockMs = 4_000;
const other = "payroll" as TargetName;
let world: World;
let release: string;
const processes: AgentProcess[] = [];
beforeEach(async () => {
  world = await startWorld({ lockDurationMs: lockMs, targets: [target, other] });
  release = path.join(world.directory, "release");
});
afterEach(async () => {
  writeFileSync(release, "");
  for (const { child } of processes.splice(0)) child.kill("SIGKILL");
  await world.close();
});

/** `more` begins with what still belongs to the targets. */
async function start(more = ""): Promise<AgentProcess> {
  const agent = await startAgentProcess(world, {
    env: {
      NODE_OPTIONS: `--require ${JSON.stringify(require.resolve("./stand-still.cjs"))}`,
      RELEASE_FILE: release,
    },
    settings: `${more}\nidentity: { disableInstanceDiscovery: true }`,
  });
  processes.push(agent);
  return agent;
}

const standStill = workOf([{ id: "slow", version: 1, name: "STAND_STILL" }]);
const rows = (): unknown[] => world.database.prepare("SELECT id FROM audit").all();
const reached = () =>
  eventually("a statement that does not return", () => existsSync(`${release}.reached`));

test("while a statement of one target hangs, its locks are renewed and the other target works", async () => {
  const second = path.join(world.directory, "payroll.db");
  createTarget(second).close();
  const agent = await start(`  ${other}: { connector: sql, url: "sqlite:${second}" }`);
  await world.send(standStill);
  await reached();
  const people = Array.from({ length: 300 }, (_, index) => `p${index}`);
  await world.send(
    workOf(
      people.map((id) => ({ id, version: 1, name: `Person ${id}` })),
      // A definition has one target: the second target's messages must not look like repetitions of the first's.
      { to: other, part: "other" },
    ),
    other,
  );
  await eventually("the other target's outcomes", () => world.outcomes().size === people.length);
  // Each renewal keeps the lane for the length of a lock: without one, the item would have been delivered again by
  // then.
  await new Promise((resolve) => setTimeout(resolve, 3 * lockMs));
  expect(world.outcomes().size).toBe(people.length);
  writeFileSync(release, "");
  await eventually("its outcome", () => world.outcomes().size === people.length + 1);
  expect([...world.outcomes().values()].every((each) => each.join() === "applied")).toBe(true);
  expect(rows()).toHaveLength(1);
  const events = agent.lines.map((line) => (JSON.parse(line) as { event: string }).event);
  expect(events).not.toContain("lane.lost");
}, 60_000);

test("SIGTERM while a statement hangs ends the process within the drain deadline", async () => {
  const agent = await start("drain: { deadlineMs: 2000 }");
  await world.send(standStill);
  await reached();
  agent.child.kill("SIGTERM");
  expect(await agent.exited).toEqual({ code: null, signal: "SIGKILL" });
  expect(rows()).toEqual([]);
  writeFileSync(release, "");
  await start();
  await eventually("its outcome", () => world.outcomes().size === 1);
  expect([...world.outcomes().values()]).toEqual([["applied"]]);
  expect(rows()).toHaveLength(1);
  expect(await world.deadLetters(workQueueName(group, target))).toEqual([]);
}, 60_000);
