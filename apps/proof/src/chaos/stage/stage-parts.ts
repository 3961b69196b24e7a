import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { SyncDefinition } from "@postern/contracts";
import {
  DataDirectory,
  LocalPlatform,
  parseTarget,
  prepareTarget,
  readDefinition,
  writeSampleTenant,
} from "@postern/local";
import { SeededRandom } from "../../kit/seeded-random";
import type { Environment } from "../../kit/environment";
import { AuditedPostgres } from "../target/audited-postgres";
import { AuditedSqlite } from "../target/audited-sqlite";
import type { AuditedTarget, TargetKind } from "../target/audited-target";
import { Connections } from "../faults/connections";
import { GraphSession } from "./graph-session";
import { History } from "./history";
import { PostgresServer } from "../target/postgres-server";
import { Strikes } from "../faults/strikes";
import { Workload } from "./workload";

export interface StageOptions {
  readonly seed: number;
  readonly agents: number;
  readonly people: number;
  readonly changesPerSecond: number;
  readonly renamesOnly?: boolean;
  readonly data: string | undefined;
  readonly target: TargetKind;
  /** A second target of the group, in PostgreSQL, behind its own proxy. */
  readonly secondTarget?: string;
  /** A value that ends an agent which binds it to a statement. */
  readonly endOnValue?: string | undefined;
  readonly environment: Environment;
  /** Aborted when the run is to end early. */
  readonly interrupted: AbortSignal;
  readonly say: (text: string) => void;
}

/** Lock of work messages in every run of chaos. */
export const lockMs = 5_000;
const RESTART_DELAYS_MS = [100];
const STARTUP_MS = 60_000;

/** What a stage is made of, all of it running. */
export interface StageParts {
  readonly definition: SyncDefinition;
  readonly random: SeededRandom;
  readonly data: DataDirectory;
  readonly history: History;
  readonly platform: LocalPlatform;
  readonly connections: Connections;
  readonly strikes: Strikes;
  readonly target: AuditedTarget;
  readonly postgres: PostgresServer | undefined;
  readonly graph: GraphSession;
  readonly workload: Workload;
}

/** Starts everything that a scenario plays on, and waits for the first cycle to complete before any fault. */
export async function startParts(options: StageOptions): Promise<StageParts> {
  const random = new SeededRandom(options.seed, "chaos");
  const data = DataDirectory.open(options.data);
  const history = new History(data.path("chaos.jsonl"));
  history.note("start", { seed: options.seed, agents: options.agents, people: options.people });
  const definition = unheldDefinition();
  const tenantFile = data.path("tenant.json");
  await writeSampleTenant(tenantFile, options.people);
  const connections = new Connections();
  const strikes = new Strikes(path.join(data.root, "strikes"), options.endOnValue);
  const needsPostgres = options.target === "postgres" || options.secondTarget !== undefined;
  const postgres = needsPostgres ? await PostgresServer.start() : undefined;
  const proxied = postgres?.url(await connections.connect("agent-postgres", postgres.port));
  const sqliteFile = data.path("target.db");
  const [targetUrl, ownUrl] =
    options.target === "postgres"
      ? [proxied ?? "", postgres?.url() ?? ""]
      : [`sqlite:${sqliteFile}`, `sqlite:${sqliteFile}`];
  await prepareTarget(parseTarget(ownUrl, data.root), definition);
  const platform = await LocalPlatform.start({
    data,
    definition,
    targetUrl,
    ...(options.secondTarget === undefined
      ? {}
      : { moreTargets: { [options.secondTarget]: proxied ?? "" } }),
    tenantFile,
    environment: options.environment,
    lockDurationMs: lockMs,
    agents: options.agents,
    connect: connections.connect,
    extras: strikes.extras,
    restartDelaysMs: RESTART_DELAYS_MS,
  });
  await platform.api.call("putSync", { params: { id: definition.id }, body: definition });
  await firstCycle(platform, definition.id);
  const graph = new GraphSession(() => platform.endpoints);
  const workload = new Workload({
    graph,
    tenant: await graph.tenant(),
    random: random.fork("workload"),
    changesPerSecond: options.changesPerSecond,
    renamesOnly: options.renamesOnly ?? false,
    onTrouble: (message) => history.note("workload-trouble", { message }),
  });
  // The tables of the inbox exist from the first unit on: audited from here.
  const target =
    options.target === "postgres"
      ? await AuditedPostgres.open(ownUrl)
      : new AuditedSqlite(sqliteFile);
  return {
    definition,
    random,
    data,
    history,
    platform,
    connections,
    strikes,
    target,
    postgres,
    graph,
    workload,
  };
}

/** The default definition without a limit on deletes: chaos deletes much, and no operator releases held items. */
function unheldDefinition(): SyncDefinition {
  const definition = readDefinition(undefined);
  return {
    ...definition,
    deletes: { ...definition.deletes, minimum: 1_000_000, maximum: 1_000_000, percent: 100 },
  };
}

async function firstCycle(platform: LocalPlatform, definition: string): Promise<void> {
  const began = performance.now();
  while (performance.now() - began < STARTUP_MS) {
    const { value: cycles } = await platform.api.list(
      "listCycles",
      { params: { id: definition } },
      50,
    );
    if (cycles.length > 0 && cycles.every(({ state }) => state === "completed")) return;
    await sleep(200);
  }
  throw new Error("the first cycle did not end within a minute, before any fault");
}
