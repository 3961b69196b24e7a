import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { databaseName, Secret } from "@postern/contracts";
import { startCosmosEmulator, type CosmosEmulator } from "@postern/cosmos-emulator";
import type { Container, OperationInput } from "@azure/cosmos";
import { createDatabase } from "../src/azure/cosmos-client";
import { bulk, guarded } from "../src/azure/cosmos-operations";
import { ServiceUnavailable } from "@postern/runtime";

let cosmos: CosmosEmulator;
let container: Container;

beforeEach(async () => {
  cosmos = await startCosmosEmulator({
    topology: {
      databases: [
        { id: databaseName, containers: [{ id: "progress", partitionKeyPaths: ["/definition"] }] },
      ],
    },
  });
  container = createDatabase(
    { endpoint: cosmos.endpoint, key: new Secret(cosmos.key) },
    { getToken: () => Promise.reject(new Error("the key is the credential")) },
  ).container("progress");
});

afterEach(() => cosmos.close());

const create = (id: string): OperationInput => ({
  operationType: "Create",
  partitionKey: "d",
  resourceBody: { id, definition: "d" },
});

test("a bulk request whose connection is cut reports the service as unavailable", async () => {
  await bulk(container, [create("before")]);
  cosmos.faults.add({ kind: "cut" });
  await expect(bulk(container, [create("during")])).rejects.toThrow(ServiceUnavailable);
}, 60_000);

test("so does a transaction", async () => {
  const transact = (id: string) =>
    guarded(() =>
      container.items.batch(
        [{ operationType: "Create", resourceBody: { id, definition: "d" } }],
        "d",
      ),
    );
  await transact("before");
  cosmos.faults.add({ kind: "cut" });
  await expect(transact("during")).rejects.toThrow(ServiceUnavailable);
}, 60_000);
