import { randomBytes } from "node:crypto";
import {
  checkTopology,
  closeServer,
  Counters,
  FaultPlan,
  listenOnLoopback,
  startControlServer,
} from "@postern/emulator-kit";
import { Account } from "./engine/account";
import { startPurging } from "./engine/expiry";
import { round } from "./engine/model/charge";
import { importKey } from "./wire/authorization";
import { createCosmosServer } from "./wire/server";
import type { Journal } from "./engine/model/journal";
import { MemoryJournal } from "./store/memory-journal";
import { SqliteJournal } from "./store/sqlite-journal";
import { Topology, type TopologyInput } from "./topology";

export interface CosmosEmulatorOptions {
  /** Port on 127.0.0.1; 0 or absent: any free one. */
  readonly port?: number | undefined;
  readonly controlPort?: number | undefined;
  /** Directory in which documents survive; absent: they live in memory only. */
  readonly dataDirectory?: string | undefined;
  /** Account key in base64; absent: the one remembered in the directory, or a new random one. */
  readonly key?: string | undefined;
  /** Databases and containers that are made unless they exist. */
  readonly topology?: TopologyInput | undefined;
}

export interface CosmosEmulator {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  readonly key: string;
  readonly connectionString: string;
  readonly faults: FaultPlan;
  stats(): Record<string, number>;
  /** URL of the control server. */
  readonly control: string;
  close(): Promise<void>;
}

export async function startCosmosEmulator(
  options: CosmosEmulatorOptions = {},
): Promise<CosmosEmulator> {
  const topology = checkTopology(
    "options.topology",
    options.topology ?? { databases: [] },
    Topology,
  );
  const journal =
    options.dataDirectory === undefined
      ? new MemoryJournal()
      : new SqliteJournal(options.dataDirectory);
  try {
    return await start(options, topology, journal);
  } catch (error) {
    journal.close();
    throw error;
  }
}

async function start(
  options: CosmosEmulatorOptions,
  topology: Topology,
  journal: Journal,
): Promise<CosmosEmulator> {
  const key = options.key ?? journal.setting("key") ?? randomBytes(64).toString("base64");
  journal.putSetting("key", key);
  const nowMs = (): number => Date.now();
  const account = new Account(journal, nowMs);
  applyTopology(account, topology);
  await new Promise<void>((resolve, reject) => {
    journal.afterCommit((error) => (error === undefined ? resolve() : reject(error)));
  });
  const faults = new FaultPlan();
  const counters = new Counters("requests", "requestUnits", "metadataRequests", "throttled");
  const server = createCosmosServer({
    account,
    journal,
    faults,
    counters,
    key: importKey(key),
    nowMs,
  });
  const port = await listenOnLoopback(server, options.port ?? 0);
  const stats = (): Record<string, number> => {
    const counts = counters.snapshot();
    // Sums of decimal fractions drift; two decimals are all that a charge has.
    return { ...counts, requestUnits: round(counts["requestUnits"] ?? 0) };
  };
  const controlPort = options.controlPort ?? 0;
  const control = await startControlServer({ port: controlPort, faults, stats }).catch(
    async (error: unknown) => {
      await closeServer(server);
      throw error;
    },
  );
  const stopPurging = startPurging(account, nowMs);
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    endpoint,
    key,
    connectionString: `AccountEndpoint=${endpoint}/;AccountKey=${key};`,
    faults,
    stats,
    control: control.url,
    close: async () => {
      stopPurging();
      await control.close();
      await closeServer(server);
      journal.close();
    },
  };
}

function applyTopology(account: Account, topology: Topology): void {
  for (const { id, containers } of topology.databases) {
    const database = account.databases.get(id) ?? account.createDatabase({ id });
    for (const container of containers) {
      if (database.containers.has(container.id)) continue;
      account.createContainer(database, {
        id: container.id,
        partitionKey: { paths: container.partitionKeyPaths },
        ...(container.defaultTtlSeconds === null
          ? {}
          : { defaultTtl: container.defaultTtlSeconds }),
        uniqueKeyPolicy: { uniqueKeys: container.uniqueKeys.map((paths) => ({ paths })) },
      });
    }
  }
}
