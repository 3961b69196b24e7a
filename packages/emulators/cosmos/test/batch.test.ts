import { describe, expect, test } from "@jest/globals";
import { BulkOperationType, type OperationInput } from "@azure/cosmos";
import { testAccount } from "./account";

const account = testAccount();

describe("transactional batch", () => {
  test("all kinds of operations are carried out together and in order", async () => {
    const container = await account.container();
    for (const id of ["r", "d", "p", "x"]) await container.items.create({ id, pk: "p", n: 1 });
    const response = await container.items.batch(
      [
        { operationType: "Create", resourceBody: { id: "c", pk: "p" } },
        { operationType: "Upsert", resourceBody: { id: "c", pk: "p", again: true } },
        { operationType: "Replace", id: "r", resourceBody: { id: "r", pk: "p", n: 2 } },
        {
          operationType: "Patch",
          id: "p",
          resourceBody: { operations: [{ op: "incr", path: "/n", value: 4 }] },
        },
        { operationType: "Delete", id: "d" },
        { operationType: "Read", id: "x" },
      ],
      "p",
    );
    expect(response.code).toBe(200);
    expect(response.result?.map((result) => result.statusCode)).toEqual([
      201, 200, 200, 200, 204, 200,
    ]);
    expect(response.result?.[3]?.resourceBody).toMatchObject({ n: 5 });
    const { resources } = await container.items
      .query("SELECT c.id, c.n, c.again FROM c")
      .fetchAll();
    expect(resources).toEqual([
      { id: "r", n: 2 },
      { id: "p", n: 5 },
      { id: "x", n: 1 },
      { id: "c", again: true },
    ]);
    expect((await container.item("c", "p").read()).resource?._etag).toBe(
      response.result?.[1]?.eTag,
    );
  });

  test("one failure shows its code, the others 424, and nothing is applied", async () => {
    const container = await account.container();
    await container.items.create({ id: "taken", pk: "p", n: 1 });
    const response = await container.items.batch(
      [
        { operationType: "Upsert", resourceBody: { id: "taken", pk: "p", n: 2 } },
        { operationType: "Delete", id: "taken" },
        { operationType: "Create", resourceBody: { id: "new", pk: "p" } },
        { operationType: "Create", resourceBody: { id: "new", pk: "p" } },
        { operationType: "Read", id: "new" },
      ],
      "p",
    );
    expect(response.code).toBe(207);
    expect(response.result?.map((result) => result.statusCode)).toEqual([424, 424, 424, 409, 424]);
    const { resources } = await container.items.query("SELECT c.id, c.n FROM c").fetchAll();
    expect(resources).toEqual([{ id: "taken", n: 1 }]);
  });

  test("a document deleted and created again in a batch follows those created before it", async () => {
    const container = await account.container();
    const create = (id: string): OperationInput => ({
      operationType: "Create",
      resourceBody: { id, pk: "p" },
    });
    const remove: OperationInput = { operationType: "Delete", id: "a" };
    const { code } = await container.items.batch(
      [create("a"), create("b"), remove, create("a"), create("c")],
      "p",
    );
    expect(code).toBe(200);
    for (const options of [{}, { partitionKey: "p" }]) {
      const iterator = container.items.query<string>("SELECT VALUE c.id FROM c", {
        ...options,
        maxItemCount: 1,
      });
      expect((await iterator.fetchAll()).resources).toEqual(["b", "a", "c"]);
    }
  });

  test("a stale ifMatch of one operation fails the batch", async () => {
    const container = await account.container();
    const first = (await container.items.create({ id: "a", pk: "p", n: 1 })).resource?._etag ?? "";
    await container.items.upsert({ id: "a", pk: "p", n: 2 });
    const operations: OperationInput[] = [
      { operationType: "Create", resourceBody: { id: "b", pk: "p" } },
      {
        operationType: "Replace",
        id: "a",
        ifMatch: first,
        resourceBody: { id: "a", pk: "p", n: 3 },
      },
    ];
    const response = await container.items.batch(operations, "p");
    expect(response.result?.map((result) => result.statusCode)).toEqual([424, 412]);
    expect((await container.item("b", "p").read()).statusCode).toBe(404);
  });

  test("a document of another partition key is refused", async () => {
    const container = await account.container();
    const response = await container.items.batch(
      [{ operationType: "Create", resourceBody: { id: "a", pk: "other" } }],
      "p",
    );
    expect(response.result?.[0]).toMatchObject({ statusCode: 400, subStatusCode: 1001 });
  });

  test("more than 2 MB is refused", async () => {
    const container = await account.container();
    const text = "x".repeat(1_200_000);
    const operations: OperationInput[] = ["a", "b"].map((id) => ({
      operationType: "Create",
      resourceBody: { id, pk: "p", text },
    }));
    await expect(container.items.batch(operations, "p")).rejects.toMatchObject({
      cause: { code: 413 },
    });
    expect((await container.items.readAll().fetchAll()).resources).toEqual([]);
  });
});

describe("bulk", () => {
  test("each operation has its own partition key and its own result", async () => {
    const container = await account.container();
    const { resource } = await container.items.create({ id: "a", pk: "1", n: 1 });
    const results = await container.items.executeBulkOperations([
      {
        operationType: BulkOperationType.Create,
        partitionKey: "1",
        resourceBody: { id: "a", pk: "1" },
      },
      {
        operationType: BulkOperationType.Upsert,
        partitionKey: "2",
        resourceBody: { id: "a", pk: "2" },
      },
      { operationType: BulkOperationType.Read, partitionKey: "1", id: "a" },
      {
        operationType: BulkOperationType.Replace,
        partitionKey: "1",
        id: "a",
        ifMatch: '"stale"',
        resourceBody: { id: "a", pk: "1", n: 2 },
      },
      {
        operationType: BulkOperationType.Replace,
        partitionKey: "1",
        id: "a",
        ifMatch: resource?._etag ?? "",
        resourceBody: { id: "a", pk: "1", n: 3 },
      },
      { operationType: BulkOperationType.Delete, partitionKey: "none", id: "a" },
    ]);
    expect(results.map(({ response, error }) => response?.statusCode ?? error?.code)).toEqual([
      409, 201, 200, 412, 200, 404,
    ]);
    expect(results[2]?.response?.resourceBody).toMatchObject({ n: 1 });
    expect(results[1]?.response?.eTag).toBe(
      (await container.item("a", "2").read()).resource?._etag,
    );
    expect((await container.item("a", "1").read()).resource).toMatchObject({ n: 3 });
  });

  test("several hundred operations are sent in requests of up to a hundred", async () => {
    const container = await account.container();
    const before = account.emulator.stats()[`requests.bulk`] ?? 0;
    const results = await container.items.executeBulkOperations(
      Array.from({ length: 250 }, (_, index) => ({
        operationType: BulkOperationType.Create,
        partitionKey: `p${index % 7}`,
        resourceBody: { id: `d${index}`, pk: `p${index % 7}` },
      })),
    );
    expect(results.every(({ response }) => response?.statusCode === 201)).toBe(true);
    expect((account.emulator.stats()["requests.bulk"] ?? 0) - before).toBe(3);
    const { resources } = await container.items.query("SELECT VALUE COUNT(1) FROM c").fetchAll();
    expect(resources).toEqual([250]);
  });

  test("the older items.bulk works, and can stop at the first failure", async () => {
    const container = await account.container();
    const create = (id: string): OperationInput => ({
      operationType: "Create",
      resourceBody: { id, pk: "p" },
    });
    const all = await container.items.bulk([create("a"), create("a"), create("b")]);
    expect(all.map(({ statusCode }) => statusCode)).toEqual([201, 409, 201]);
    const some = await container.items.bulk([create("c"), create("a"), create("d")], {
      continueOnError: false,
    });
    expect(some.map(({ statusCode }) => statusCode)).toEqual([201, 409, 424]);
    expect((await container.item("d", "p").read()).statusCode).toBe(404);
  });

  test("documents can be left out of the reply", async () => {
    const container = await account.container();
    const [result] = await container.items.executeBulkOperations(
      [
        {
          operationType: BulkOperationType.Create,
          partitionKey: "p",
          resourceBody: { id: "a", pk: "p" },
        },
      ],
      { contentResponseOnWriteEnabled: false },
    );
    expect(result?.response?.resourceBody).toBeUndefined();
    expect(result?.response?.eTag).toMatch(/^".+"$/);
  });
});
