import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { mkdtempSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
  DataDirectory,
  LocalPlatform,
  parseTarget,
  prepareTarget,
  readDefinition,
  writeSampleTenant,
} from "@postern/local";
import { graphRequest } from "./graph-request";
import type { Environment } from "../kit/environment";
import { measured, median, type Measure } from "./measure";
import { bareRssMegabytes, freshNode, rssMegabytes } from "./resident-memory";

/** As long as the changes take, and a whole minute: what timers do once a minute must weigh the same in both. */
const IDLE_SECONDS = 60;
const SINGLE_CHANGES = 40;
const FIRST_CYCLE_PEOPLE = 20_000;
const CLOCK_TICKS_PER_SECOND = 100;

interface Started {
  readonly platform: LocalPlatform;
  /** The node that runs the agent. */
  readonly node: string;
  readonly readyMs: number;
  readonly tenant: { readonly users: { readonly id: string }[] };
  readonly stop: () => Promise<void>;
}

async function startPlatform(people: number, environment: Environment): Promise<Started> {
  const directory = mkdtempSync(path.join(tmpdir(), "postern-bench-"));
  const tenantFile = path.join(directory, "tenant.json");
  await writeSampleTenant(tenantFile, people);
  const data = DataDirectory.open(path.join(directory, "data"));
  const definition = readDefinition(undefined);
  const target = parseTarget(`sqlite:${path.join(directory, "target.db")}`, directory);
  await prepareTarget(target, definition);
  const node = freshNode(directory);
  const began = performance.now();
  const platform = await LocalPlatform.start({
    data,
    definition,
    targetUrl: target.url,
    tenantFile,
    environment,
    extras: (name) => ({ nodeFlags: [], environment: {}, ...(name === "agent" ? { node } : {}) }),
  });
  const readyMs = performance.now() - began;
  const stop = async (): Promise<void> => {
    await platform.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  const tenant = JSON.parse(readFileSync(tenantFile, "utf8")) as Started["tenant"];
  return { platform, node, readyMs, tenant, stop };
}

async function firstCycle(
  platform: LocalPlatform,
): Promise<{ enqueued: number; durationMs: number }> {
  const definition = readDefinition(undefined);
  const params = { id: definition.id };
  await platform.api.call("putSync", { params, body: definition });
  for (;;) {
    const { lastCycle } = (await platform.api.call("getSync", { params })).value;
    if (lastCycle?.kind === "initial" && lastCycle.state === "completed") return lastCycle;
    await sleep(250);
  }
}

async function queuesEmpty(platform: LocalPlatform): Promise<void> {
  for (;;) {
    const stats = await platform.stats("service-bus");
    if (
      !Object.entries(stats).some(
        ([name, value]) =>
          /^(active|scheduled):(sync-(?!start)|jobs|results)/.test(name) && value > 0,
      )
    )
      return;
    await sleep(50);
  }
}

interface Counters {
  readonly cosmos: number;
  /** Of these, to the containers that a change goes through; the timers of cloud and agent ask the others. */
  readonly cosmosOnTheWay: number;
  /** Messages, and management calls ten times. */
  readonly serviceBus: number;
  /** Messages only: the management calls at rest are timers, and no change makes one. */
  readonly messages: number;
}

const ON_THE_WAY = /^requests:(index|progress|ledger-.*)$/;

async function counters(platform: LocalPlatform): Promise<Counters> {
  const [cosmos, serviceBus] = await Promise.all([
    platform.stats("cosmos"),
    platform.stats("service-bus"),
  ]);
  return {
    cosmos: cosmos["requests"] ?? 0,
    cosmosOnTheWay: Object.entries(cosmos).reduce(
      (sum, [name, count]) => (ON_THE_WAY.test(name) ? sum + count : sum),
      0,
    ),
    serviceBus: serviceBus["operations"] ?? 0,
    messages: (serviceBus["messagesSent"] ?? 0) + (serviceBus["messagesReceived"] ?? 0),
  };
}

function between(before: Counters, after: Counters): Counters {
  return {
    cosmos: after.cosmos - before.cosmos,
    cosmosOnTheWay: after.cosmosOnTheWay - before.cosmosOnTheWay,
    serviceBus: after.serviceBus - before.serviceBus,
    messages: after.messages - before.messages,
  };
}

function scaled({ cosmos, cosmosOnTheWay, serviceBus, messages }: Counters, by: number): Counters {
  return {
    cosmos: cosmos * by,
    cosmosOnTheWay: cosmosOnTheWay * by,
    serviceBus: serviceBus * by,
    messages: messages * by,
  };
}

/** CPU seconds that a process has used so far (proc(5): utime and stime in clock ticks). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

interface SingleChanges {
  /** Of each change, from itself until nothing of it is on the way. */
  readonly cosmosOnTheWay: readonly number[];
  readonly all: Counters;
  readonly seconds: number;
}

/** One change after another, each with its own poll, so that no two share a page. */
async function singleChanges(
  platform: LocalPlatform,
  users: readonly { readonly id: string }[],
): Promise<SingleChanges> {
  const began = performance.now();
  const first = await counters(platform);
  let before = first;
  const cosmosOnTheWay: number[] = [];
  for (const { id } of users) {
    await graphRequest(platform.endpoints, "PATCH", `/users/${id}`, {
      jobTitle: `Bench ${id.slice(0, 4)}`,
    });
    await sleep(1_500);
    await queuesEmpty(platform);
    const after = await counters(platform);
    cosmosOnTheWay.push(after.cosmosOnTheWay - before.cosmosOnTheWay);
    before = after;
  }
  const seconds = (performance.now() - began) / 1_000;
  return { cosmosOnTheWay, all: between(first, before), seconds };
}

/** The platform at rest with about 500 people, then one change at a time. */
export async function measureIdleAndSingle(
  environment: Environment,
  say: (text: string) => void,
): Promise<Measure[]> {
  // The first start fills the cache of compiled code, as the first start on a VM does; the second is measured.
  await (await startPlatform(20, environment)).stop();
  const { platform, node, readyMs, tenant, stop } = await startPlatform(500, environment);
  try {
    const agent = platform.processes.get("agent")?.pid;
    if (agent === undefined) throw new Error("the agent does not run");
    // At rest means without having worked before: memory once used for a backlog is not given back.
    await sleep(3_000);
    const cpuBefore = cpuSeconds(agent);
    await sleep(IDLE_SECONDS * 1_000);
    const cpu = ((cpuSeconds(agent) - cpuBefore) / IDLE_SECONDS) * 100;
    const rss = rssMegabytes(agent);
    const bareRss = await bareRssMegabytes(node);

    await firstCycle(platform);
    await queuesEmpty(platform);
    await sleep(2_000);
    const idleBefore = await counters(platform);
    const graphBefore = await platform.stats("graph");
    await sleep(IDLE_SECONDS * 1_000);
    const idleAfter = await counters(platform);
    const polls =
      ((await platform.stats("graph"))["requests"] ?? 0) - (graphBefore["requests"] ?? 0);
    const idleRate = scaled(between(idleBefore, idleAfter), 1 / IDLE_SECONDS);

    const changes = await singleChanges(platform, tenant.users.slice(10, 10 + SINGLE_CHANGES));
    const perChange = (kind: keyof Counters): number =>
      (changes.all[kind] - idleRate[kind] * changes.seconds) / SINGLE_CHANGES;
    say(
      `an idle second costs ${idleRate.cosmos.toFixed(1)} Cosmos requests and ${idleRate.serviceBus.toFixed(1)} Service Bus operations; a single change is what comes on top`,
    );
    return [
      measured("platform-ready", readyMs),
      measured("agent-rss-idle", rss),
      measured("bare-node-rss", bareRss),
      measured("agent-cpu-idle", cpu),
      measured("cosmos-requests-per-item-single", median(changes.cosmosOnTheWay)),
      measured("cosmos-requests-per-item-single-mean", perChange("cosmosOnTheWay")),
      measured("service-bus-operations-per-item-single", perChange("messages")),
      measured(
        "cosmos-requests-per-idle-poll",
        polls === 0 ? 0 : (idleAfter.cosmos - idleBefore.cosmos) / polls,
      ),
    ];
  } finally {
    await stop();
  }
}

/** 20,000 people, end to end: what the whole platform moves, and what it costs. */
export async function measureFirstCycle(
  environment: Environment,
  say: (text: string) => void,
): Promise<Measure[]> {
  const { platform, stop } = await startPlatform(FIRST_CYCLE_PEOPLE, environment);
  try {
    const before = await counters(platform);
    const { enqueued, durationMs } = await firstCycle(platform);
    await queuesEmpty(platform);
    const after = await counters(platform);
    const [graph, cosmos] = await Promise.all([platform.stats("graph"), platform.stats("cosmos")]);
    const answered = (graph["pages"] ?? 0) + (graph["emptyPolls"] ?? 0);
    const peak = (name: string): number =>
      (platform.processes.get(name)?.peakRssBytes() ?? 0) / 1024 / 1024;
    say(`${enqueued.toLocaleString("en")} items in ${(durationMs / 1_000).toFixed(1)} s`);
    return [
      measured("first-cycle-items-per-second", (enqueued / durationMs) * 1_000),
      measured("cosmos-requests-per-item-backlog", (after.cosmos - before.cosmos) / enqueued),
      measured("request-units-per-item-backlog", (cosmos["requestUnits"] ?? 0) / enqueued),
      measured(
        "service-bus-operations-per-item-backlog",
        (after.serviceBus - before.serviceBus) / enqueued,
      ),
      measured("graph-requests-ratio", answered === 0 ? 0 : (graph["requests"] ?? 0) / answered),
      measured("cloud-rss-first-cycle", peak("functions")),
      measured("agent-rss-first-cycle", peak("agent")),
    ];
  } finally {
    await stop();
  }
}
