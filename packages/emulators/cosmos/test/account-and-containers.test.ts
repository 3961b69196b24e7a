import { describe, expect, test } from "@jest/globals";
import { CosmosClient } from "@azure/cosmos";
import { startCosmosEmulator } from "../src/index";
import { clientOf, testAccount } from "./account";

const account = testAccount();

describe("authorization", () => {
  test("a wrong key is 401", async () => {
    const key = Buffer.from("another key").toString("base64");
    const client = new CosmosClient({ endpoint: account.emulator.endpoint, key });
    await expect(client.databases.readAll().fetchAll()).rejects.toMatchObject({ code: 401 });
    client.dispose();
  });

  test("the connection string works, and names with blanks and accents are signed correctly", async () => {
    const client = new CosmosClient(account.emulator.connectionString);
    const { container } = await client.database("db").containers.create({ id: "größe 1" });
    await container.items.create({ id: "ä b+c%", _partitionKey: "x" });
    expect((await container.item("ä b+c%", "x").read()).statusCode).toBe(200);
    client.dispose();
  });

  test("a request with a date far off is 403, one without a signature 401", async () => {
    const { endpoint } = account.emulator;
    expect((await fetch(`${endpoint}/dbs`)).status).toBe(401);
    const bearer = { authorization: encodeURIComponent("type=aad&ver=1.0&sig=token") };
    expect((await fetch(`${endpoint}/dbs`, { headers: bearer })).status).toBe(401);
    const { createHmac } = await import("node:crypto");
    const date = new Date(Date.now() - 3_600_000).toUTCString();
    const signature = createHmac("sha256", Buffer.from(account.emulator.key, "base64"))
      .update(`get\ndbs\n\n${date.toLowerCase()}\n\n`)
      .digest("base64");
    const authorization = encodeURIComponent(`type=master&ver=1.0&sig=${signature}`);
    const late = await fetch(`${endpoint}/dbs`, { headers: { authorization, "x-ms-date": date } });
    expect(late.status).toBe(403);
    expect(await late.json()).toMatchObject({ message: expect.stringContaining("clock") });
  });

  test("the SDK reads the account once and not before every request", async () => {
    const container = await account.container();
    const client = clientOf(account.emulator);
    const before = account.emulator.stats()["metadataRequests"] ?? 0;
    const items = client.database("db").container(container.id);
    for (let index = 0; index < 20; index += 1) await items.item("none", "p").read();
    expect((account.emulator.stats()["metadataRequests"] ?? 0) - before).toBeLessThanOrEqual(2);
    client.dispose();
  });
});

describe("databases and containers", () => {
  test("databases are created, read, listed, queried and deleted", async () => {
    const { client } = account;
    const first = await client.databases.createIfNotExists({ id: "second" });
    const again = await client.databases.createIfNotExists({ id: "second" });
    expect([first.statusCode, again.statusCode]).toEqual([201, 200]);
    await expect(client.databases.create({ id: "second" })).rejects.toMatchObject({ code: 409 });
    const { resources } = await client.databases.readAll().fetchAll();
    expect(resources.map(({ id }) => id)).toEqual(["db", "second"]);
    const query = {
      query: "SELECT VALUE d.id FROM d WHERE d.id = @id",
      parameters: [{ name: "@id", value: "second" }],
    };
    expect((await client.databases.query(query).fetchAll()).resources).toEqual(["second"]);
    expect((await client.database("second").delete()).statusCode).toBe(204);
    await expect(client.database("second").read()).rejects.toMatchObject({ code: 404 });
  });

  test("containers are created, read, listed and deleted, and show their definition", async () => {
    const { database } = account;
    const definition = { id: "shown", partitionKey: { paths: ["/a", "/b"] }, defaultTtl: 60 };
    const first = await database.containers.createIfNotExists(definition);
    const again = await database.containers.createIfNotExists(definition);
    expect([first.statusCode, again.statusCode]).toEqual([201, 200]);
    expect(again.resource).toMatchObject({
      id: "shown",
      defaultTtl: 60,
      partitionKey: { paths: ["/a", "/b"], kind: "MultiHash", version: 2 },
      indexingPolicy: { indexingMode: "consistent" },
    });
    const { resources } = await database.containers.readAll().fetchAll();
    expect(resources.map(({ id }) => id)).toContain("shown");
    expect((await database.container("shown").delete()).statusCode).toBe(204);
    await expect(database.container("shown").read()).rejects.toMatchObject({ code: 404 });
  });

  test("a container that is deleted and created again is empty", async () => {
    const container = await account.container({ id: "again" });
    await container.items.create({ id: "a", pk: "p" });
    await container.delete();
    const fresh = await account.container({ id: "again" });
    expect((await fresh.items.readAll().fetchAll()).resources).toEqual([]);
  });

  test("the default ttl can be replaced, options fixed at creation cannot", async () => {
    const container = await account.container();
    const { resource } = await container.replace({
      id: container.id,
      partitionKey: { paths: ["/pk"] },
      defaultTtl: 100,
    });
    expect(resource).toMatchObject({ defaultTtl: 100 });
    await expect(
      container.replace({ id: container.id, partitionKey: { paths: ["/other"] } }),
    ).rejects.toMatchObject({ code: 400 });
  });

  test("an invalid definition is 400 and names the field", async () => {
    const request = { id: "bad", partitionKey: { paths: ["/pk"] }, defaultTtl: 0 };
    await expect(account.database.containers.create(request)).rejects.toMatchObject({
      code: 400,
      message: expect.stringContaining("defaultTtl"),
    });
  });

  test("a container has no throughput settings", async () => {
    const container = await account.container();
    expect((await container.readOffer()).resource).toBeUndefined();
  });

  test("requests for features that are not emulated say so", async () => {
    const container = await account.container();
    const procedures = container.scripts.storedProcedures.readAll().fetchAll();
    await expect(procedures).rejects.toMatchObject({
      code: 501,
      message: expect.stringContaining("not emulated"),
    });
  });
});

describe("unique keys", () => {
  test("hold within a partition, for creates, replaces and batches, and are freed by deletes", async () => {
    const container = await account.container({
      uniqueKeyPolicy: { uniqueKeys: [{ paths: ["/mail"] }, { paths: ["/a", "/b/c"] }] },
    });
    const put = (id: string, pk: string, mail: string, a = id) =>
      container.items.upsert({ id, pk, mail, a });
    await put("1", "p", "x");
    await put("1", "q", "x");
    await expect(put("2", "p", "x")).rejects.toMatchObject({ code: 409 });
    await expect(put("2", "p", "y", "1")).rejects.toMatchObject({ code: 409 });
    await put("2", "p", "y");
    await expect(put("2", "p", "x", "2")).rejects.toMatchObject({ code: 409 });
    await put("1", "p", "z");
    await put("2", "p", "x");
    await container.item("2", "p").delete();
    await put("3", "p", "x");
    const swap = await container.items.batch(
      [
        { operationType: "Delete", id: "3" },
        { operationType: "Create", resourceBody: { id: "4", pk: "p", mail: "x", a: "3" } },
        { operationType: "Create", resourceBody: { id: "5", pk: "p", mail: "x", a: "5" } },
      ],
      "p",
    );
    expect(swap.result?.map(({ statusCode }) => statusCode)).toEqual([424, 424, 409]);
    await expect(put("6", "p", "x")).rejects.toMatchObject({ code: 409 });
  });
});

describe("topology", () => {
  test("databases and containers of the topology exist from the start", async () => {
    const emulator = await startCosmosEmulator({
      topology: {
        databases: [
          {
            id: "postern",
            containers: [
              {
                id: "ledger",
                partitionKeyPaths: ["/lane"],
                defaultTtlSeconds: -1,
                uniqueKeys: [["/key"]],
              },
            ],
          },
        ],
      },
    });
    const client = clientOf(emulator);
    const { resource } = await client.database("postern").container("ledger").read();
    expect(resource).toMatchObject({
      partitionKey: { paths: ["/lane"], kind: "Hash" },
      defaultTtl: -1,
      uniqueKeyPolicy: { uniqueKeys: [{ paths: ["/key"] }] },
    });
    client.dispose();
    await emulator.close();
  });
});
