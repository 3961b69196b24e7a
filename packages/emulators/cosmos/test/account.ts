import { afterAll, beforeAll } from "@jest/globals";
import { CosmosClient, type Container, type ContainerRequest, type Database } from "@azure/cosmos";
import { startCosmosEmulator, type CosmosEmulator } from "../src/index";

/** An emulator in memory and a client of it, for the tests of one file. */
export interface TestAccount {
  emulator: CosmosEmulator;
  client: CosmosClient;
  database: Database;
  /** A new container; partition key `/pk` unless said. */
  container(request?: Partial<ContainerRequest>): Promise<Container>;
}

export function clientOf(emulator: { endpoint: string; key: string }): CosmosClient {
  return new CosmosClient({ endpoint: emulator.endpoint, key: emulator.key });
}

export function testAccount(): TestAccount {
  let emulator: CosmosEmulator | undefined;
  let client: CosmosClient | undefined;
  let number = 0;
  const started = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error("asked for before the tests began");
    return value;
  };
  beforeAll(async () => {
    emulator = await startCosmosEmulator({
      topology: { databases: [{ id: "db", containers: [] }] },
    });
    client = clientOf(emulator);
  });
  afterAll(async () => {
    client?.dispose();
    await emulator?.close();
  });
  return {
    get emulator() {
      return started(emulator);
    },
    get client() {
      return started(client);
    },
    get database() {
      return started(client).database("db");
    },
    async container(request = {}) {
      number += 1;
      const { container } = await started(client)
        .database("db")
        .containers.create({ id: `c${number}`, partitionKey: { paths: ["/pk"] }, ...request });
      return container;
    },
  };
}
