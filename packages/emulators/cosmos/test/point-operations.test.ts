import { describe, expect, test } from "@jest/globals";
import { testAccount } from "./account";

const account = testAccount();

describe("point operations", () => {
  test("a document is created, read, replaced, upserted and deleted, and carries the system properties", async () => {
    const container = await account.container();
    const created = await container.items.create({ id: "a", pk: "p", name: "Zoë", n: 1 });
    expect(created.statusCode).toBe(201);
    expect(created.resource).toMatchObject({ id: "a", pk: "p", name: "Zoë", n: 1 });
    expect(created.resource?._etag).toBe(created.headers["etag"]);
    expect(Math.abs((created.resource?._ts ?? 0) * 1000 - Date.now())).toBeLessThan(5000);
    expect(created.resource?._self).toContain("/docs/");
    expect(created.requestCharge).toBeGreaterThan(5);

    const read = await container.item("a", "p").read();
    expect(read.statusCode).toBe(200);
    expect(read.resource).toEqual(created.resource);
    expect(read.requestCharge).toBe(1);

    const replaced = await container.item("a", "p").replace({ id: "a", pk: "p", n: 2 });
    expect(replaced.statusCode).toBe(200);
    expect(replaced.resource).toMatchObject({ n: 2, _rid: created.resource?._rid });
    expect(replaced.resource?._etag).not.toBe(created.resource?._etag);
    expect(replaced.resource).not.toHaveProperty("name");

    const upserted = await container.items.upsert({ id: "a", pk: "p", n: 3 });
    expect(upserted.statusCode).toBe(200);
    const inserted = await container.items.upsert({ id: "b", pk: "p" });
    expect(inserted.statusCode).toBe(201);

    const deleted = await container.item("a", "p").delete();
    expect(deleted.statusCode).toBe(204);
    const gone = await container.item("a", "p").read();
    expect(gone.statusCode).toBe(404);
    expect(gone.resource).toBeUndefined();
  });

  test("an existing id is 409, a missing document 404", async () => {
    const container = await account.container();
    await container.items.create({ id: "a", pk: "p" });
    await expect(container.items.create({ id: "a", pk: "p" })).rejects.toMatchObject({ code: 409 });
    await container.items.create({ id: "a", pk: "other" });
    await expect(container.item("x", "p").replace({ id: "x", pk: "p" })).rejects.toMatchObject({
      code: 404,
    });
    await expect(container.item("x", "p").delete()).rejects.toMatchObject({ code: 404 });
    await expect(account.database.container("none").item("x", "p").delete()).rejects.toMatchObject({
      code: 404,
    });
  });

  test("ids and sizes beyond the limits are refused", async () => {
    const container = await account.container();
    const long = "x".repeat(1023);
    expect((await container.items.create({ id: long, pk: "p" })).statusCode).toBe(201);
    await expect(container.items.create({ id: `${long}x`, pk: "p" })).rejects.toMatchObject({
      code: 400,
    });
    const big = { id: "big", pk: "p", text: "y".repeat(2 * 1024 * 1024) };
    await expect(container.items.create(big)).rejects.toMatchObject({ code: 413 });
    await expect(
      container.items.create({ ...big, text: big.text + big.text + big.text }),
    ).rejects.toMatchObject({ code: 413 });
    const fits = await container.items.create({ ...big, text: "y".repeat(1_900_000) });
    expect(fits.statusCode).toBe(201);
  });

  test("properties named like parts of JavaScript are ordinary properties", async () => {
    const container = await account.container();
    const body = JSON.parse('{"id":"a","pk":"p","__proto__":{"x":1},"constructor":"y"}') as {
      id: string;
    };
    await container.items.create(body);
    const { resources } = await container.items
      .query(
        'SELECT VALUE c["__proto__"].x FROM c WHERE c.constructor = "y" AND NOT IS_DEFINED(c.toString)',
      )
      .fetchAll();
    expect(resources).toEqual([1]);
  });
});

describe("partition keys", () => {
  test("undefined and null are different keys", async () => {
    const container = await account.container();
    await container.items.create({ id: "a", v: "undefined" });
    await container.items.create({ id: "a", pk: null, v: "null" });
    await container.items.create({ id: "a", pk: "", v: "empty" });
    expect((await container.item("a").read()).resource).toMatchObject({ v: "undefined" });
    expect((await container.item("a", null).read()).resource).toMatchObject({ v: "null" });
    expect((await container.item("a", "").read()).resource).toMatchObject({ v: "empty" });
  });

  test("numbers and booleans differ from strings of the same text", async () => {
    const container = await account.container();
    for (const pk of [1, "1", true, "true"]) await container.items.create({ id: "a", pk });
    expect((await container.item("a", 1).read()).resource).toMatchObject({ pk: 1 });
    expect((await container.item("a", true).read()).resource).toMatchObject({ pk: true });
    expect((await container.items.readAll().fetchAll()).resources).toHaveLength(4);
  });

  test("a hierarchical key has up to three levels, and a query may name only the upper ones", async () => {
    const container = await account.container({ partitionKey: { paths: ["/a", "/b/c"] } });
    await container.items.create({ id: "1", a: "x", b: { c: 1 } });
    await container.items.create({ id: "2", a: "x", b: { c: 2 } });
    await container.items.create({ id: "3", a: "y", b: { c: 1 } });
    expect((await container.item("2", ["x", 2]).read()).resource).toMatchObject({ id: "2" });
    const under = await container.items
      .query("SELECT VALUE c.id FROM c", { partitionKey: ["x"] })
      .fetchAll();
    expect(under.resources).toEqual(["1", "2"]);
    await expect(container.item("2", ["x"]).delete()).rejects.toMatchObject({
      code: 400,
      substatus: 1001,
    });
  });

  test("a key that does not match the document is refused", async () => {
    const container = await account.container();
    await container.items.create({ id: "a", pk: "p" });
    await expect(container.item("a", "p").replace({ id: "a", pk: "q" })).rejects.toMatchObject({
      code: 400,
      substatus: 1001,
    });
    await expect(container.item("a", "p").replace({ id: "b", pk: "p" })).rejects.toMatchObject({
      code: 400,
    });
  });
});

describe("etags", () => {
  const ifMatch = (condition: string | undefined) => ({
    accessCondition: { type: "IfMatch", condition: condition ?? "" },
  });

  test("If-Match refuses a stale version with 412 in replace, upsert and delete", async () => {
    const container = await account.container();
    const first = (await container.items.create({ id: "a", pk: "p", n: 1 })).resource;
    const item = container.item("a", "p");
    const second = (await item.replace({ id: "a", pk: "p", n: 2 }, ifMatch(first?._etag))).resource;
    const stale = ifMatch(first?._etag);
    const refused = { code: 412 };
    await expect(item.replace({ id: "a", pk: "p", n: 3 }, stale)).rejects.toMatchObject(refused);
    await expect(container.items.upsert({ id: "a", pk: "p", n: 3 }, stale)).rejects.toMatchObject(
      refused,
    );
    await expect(item.delete(stale)).rejects.toMatchObject(refused);
    expect((await item.read()).resource).toMatchObject({ n: 2 });
    expect((await item.delete(ifMatch(second?._etag))).statusCode).toBe(204);
  });

  test("an upsert with If-Match of a document that does not exist creates it", async () => {
    const container = await account.container();
    const { statusCode } = await container.items.upsert(
      { id: "a", pk: "p" },
      ifMatch('"whatever"'),
    );
    expect(statusCode).toBe(201);
  });

  test("a read with If-None-Match is 304 until the document changes", async () => {
    const container = await account.container();
    const { resource } = await container.items.create({ id: "a", pk: "p" });
    const condition = {
      accessCondition: { type: "IfNoneMatch", condition: resource?._etag ?? "" },
    };
    expect((await container.item("a", "p").read(condition)).statusCode).toBe(304);
    await container.items.upsert({ id: "a", pk: "p" });
    expect((await container.item("a", "p").read(condition)).statusCode).toBe(200);
  });

  test("a document that was deleted and created again has another etag", async () => {
    const container = await account.container();
    const before = (await container.items.create({ id: "a", pk: "p" })).resource?._etag;
    await container.item("a", "p").delete();
    const after = (await container.items.create({ id: "a", pk: "p" })).resource?._etag;
    expect(after).not.toBe(before);
  });
});

test("the session token of a write is the number of the last write", async () => {
  const container = await account.container();
  const lsn = (token: string | undefined) => Number(/^0:-1#(\d+)$/.exec(token ?? "")?.[1]);
  const first = await container.items.create({ id: "a", pk: "p" });
  const second = await container.items.create({ id: "b", pk: "p" });
  const token = (headers: Record<string, unknown>) => String(headers["x-ms-session-token"]);
  expect(lsn(token(second.headers))).toBe(lsn(token(first.headers)) + 1);
  const read = await container.item("a", "p").read({ sessionToken: token(second.headers) });
  expect(lsn(token(read.headers))).toBe(lsn(token(second.headers)));
});
