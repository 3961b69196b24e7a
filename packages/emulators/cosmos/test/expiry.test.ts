import { expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { testAccount } from "./account";

const account = testAccount();

test("an expired document is invisible immediately to reads, queries, feeds and batches", async () => {
  const container = await account.container({ defaultTtl: 1 });
  await container.items.create({ id: "default", pk: "p" });
  await container.items.create({ id: "never", pk: "p", ttl: -1 });
  await container.items.create({ id: "later", pk: "p", ttl: 60 });
  expect((await container.items.readAll().fetchAll()).resources).toHaveLength(3);
  await sleep(1050);
  expect((await container.item("default", "p").read()).statusCode).toBe(404);
  const { resources } = await container.items.query("SELECT VALUE c.id FROM c").fetchAll();
  expect(resources).toEqual(["never", "later"]);
  expect((await container.items.readAll().fetchAll()).resources).toHaveLength(2);
  const batch = await container.items.batch([{ operationType: "Read", id: "default" }], "p");
  expect(batch.result?.[0]?.statusCode).toBe(404);
  await expect(
    container.item("default", "p").replace({ id: "default", pk: "p" }),
  ).rejects.toMatchObject({ code: 404 });
  expect((await container.items.create({ id: "default", pk: "p" })).statusCode).toBe(201);
});

test("a write resets the time to live", async () => {
  const container = await account.container({ defaultTtl: -1 });
  await container.items.create({ id: "a", pk: "p", ttl: 1 });
  await sleep(600);
  await container.item("a", "p").patch([{ op: "set", path: "/n", value: 1 }]);
  await sleep(600);
  expect((await container.item("a", "p").read()).statusCode).toBe(200);
  await sleep(450);
  expect((await container.item("a", "p").read()).statusCode).toBe(404);
});

test("a document's ttl has no effect unless the container has a default", async () => {
  const container = await account.container();
  await container.items.create({ id: "a", pk: "p", ttl: 1 });
  await sleep(1050);
  expect((await container.item("a", "p").read()).statusCode).toBe(200);
  const { resource } = await container.read();
  await container.replace({
    id: container.id,
    partitionKey: { paths: ["/pk"] },
    ...resource,
    defaultTtl: -1,
  });
  expect((await container.item("a", "p").read()).statusCode).toBe(404);
});

test("a ttl that is not a number of seconds is refused", async () => {
  const container = await account.container({ defaultTtl: -1 });
  for (const ttl of [0, -2, 1.5, "1"]) {
    const document: object = { id: "a", pk: "p", ttl };
    await expect(container.items.create(document)).rejects.toMatchObject({ code: 400 });
  }
});
