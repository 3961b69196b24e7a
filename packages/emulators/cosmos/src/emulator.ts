import { randomBytes } from "node:crypto";
import {
  checkTopology,
  closeServer,
  Counters,
  type Emulator,
  type EmulatorOptions,
  FaultPlan,
  listenOnLoopback,
  startControlServer,
} from "@postern/emulator-kit";
import { Account } from "./engine/account";
import { startPurging } from "./engine/expiry";
import { round } from "./engine/model/charge";
import { MemoryJournal } from "./store/memory-journal";
import { SqliteJournal } from "./store/sqlite-journal";
import { Topology, type TopologyInput } from "./topology";
import { importKey } from "./wire/authorization";
import { createCosmosServer } from "./wire/server";

export interface CosmosEmulatorOptions extends EmulatorOptions {
  /** Account key in base64; absent: the one kept in the data directory, or a new random one. */
  readonly key?: string | undefined;
  /** Databases and containers to create unless they exist. */
  readonly topology?: TopologyInput | undefined;
}

export interface CosmosEmulator extends Emulator {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  readonly key: string;
  readonly connectionString: string;
}

const KEY_BYTES = 64;
const NO_TOPOLOGY: TopologyInput = { databases: [] };

/**
 * Starts an emulated Cosmos DB account on loopback.
 *
 * @throws StartError if the topology is not valid or the data directory cannot be opened
 */
export async function startCosmosEmulator(
  options: CosmosEmulatorOptions = {},
): Promise<CosmosEmulator> {
  const topology = checkTopology("options.topology", options.topology ?? NO_TOPOLOGY, Topology);
  const { dataDirectory } = options;
  const journal =
    dataDirectory === undefined ? new MemoryJournal() : new SqliteJournal(dataDirectory);
  // Undone in reverse, at the end or when the start fails halfway.
  await using opened = new AsyncDisposableStack();
  opened.defer(() => journal.close());
  const key = options.key ?? journal.setting("key") ?? randomBytes(KEY_BYTES).toString("base64");
  journal.putSetting("key", key);
  const nowMs = (): number => Date.now();
  const account = new Account(journal, nowMs);
  applyTopology(account, topology);
  await new Promise<void>((resolve, reject) => {
    journal.afterCommit((error) => (error === undefined ? resolve() : reject(error)));
  });
  const faults = new FaultPlan();
  const counters = new Counters("requests", "requestUnits", "metadataRequests", "throttled");
  const parts = { account, journal, faults, counters, key: importKey(key), nowMs };
  const server = createCosmosServer(parts);
  const port = await listenOnLoopback(server, options.port ?? 0);
  opened.defer(() => closeServer(server));
  const stats = (): Record<string, number> => {
    const counts = counters.snapshot();
    // Sums of decimal fractions drift; two decimals are all that a charge has.
    return { ...counts, requestUnits: round(counts["requestUnits"] ?? 0) };
  };
  const control = await startControlServer({ port: options.controlPort ?? 0, faults, stats });
  opened.defer(() => control.close());
  opened.defer(startPurging(account, nowMs));
  const started = opened.move();
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    endpoint,
    key,
    connectionString: `AccountEndpoint=${endpoint}/;AccountKey=${key};`,
    faults,
    stats,
    control: control.url,
    close: () => started.disposeAsync(),
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
