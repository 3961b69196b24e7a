import { describe, expect, test } from "@jest/globals";
import type { PatchOperation } from "@azure/cosmos";
import { testAccount } from "./account";

const account = testAccount();

/** The service and the SDK's request carry it, but the SDK's type does not know it. */
interface Move {
  op: "move";
  from: string;
  path: string;
}

async function patched(document: object, operations: (PatchOperation | Move)[]): Promise<unknown> {
  const container = await account.container();
  await container.items.create({ id: "a", pk: "p", ...document });
  const { resource } = await container.item("a", "p").patch(operations as PatchOperation[]);
  expect((await container.item("a", "p").read()).resource).toEqual(resource);
  return resource;
}

describe("patch", () => {
  test("add and set create properties, and differ inside arrays", async () => {
    const resource = await patched({ list: [1, 2, 3], inner: {} }, [
      { op: "add", path: "/name", value: "x" },
      { op: "set", path: "/inner/deep", value: { y: 1 } },
      { op: "add", path: "/list/1", value: "inserted" },
      { op: "set", path: "/list/0", value: "replaced" },
      { op: "add", path: "/list/-", value: "appended" },
    ]);
    expect(resource).toMatchObject({
      name: "x",
      inner: { deep: { y: 1 } },
      list: ["replaced", "inserted", 2, 3, "appended"],
    });
  });

  test("replace, remove, incr and move", async () => {
    const resource = await patched({ n: 1.5, old: "o", gone: true, from: { x: 1 }, list: [1, 2] }, [
      { op: "replace", path: "/old", value: "n" },
      { op: "remove", path: "/gone" },
      { op: "incr", path: "/n", value: 2 },
      { op: "incr", path: "/counter", value: -1 },
      { op: "move", from: "/from/x", path: "/to" },
      { op: "remove", path: "/list/0" },
    ]);
    expect(resource).toMatchObject({ n: 3.5, old: "n", counter: -1, to: 1, from: {}, list: [2] });
    expect(resource).not.toHaveProperty("gone");
  });

  test.each<[string, PatchOperation]>([
    ["replacing what is absent", { op: "replace", path: "/none", value: 1 }],
    ["removing what is absent", { op: "remove", path: "/none" }],
    ["counting what is not a number", { op: "incr", path: "/text", value: 1 }],
    ["a parent that is absent", { op: "set", path: "/none/x", value: 1 }],
    ["an index beyond the end", { op: "add", path: "/list/9", value: 1 }],
    ["the id", { op: "set", path: "/id", value: "b" }],
    ["the partition key", { op: "set", path: "/pk", value: "b" }],
    ["a system property", { op: "remove", path: "/_ts" }],
  ])("%s is refused and changes nothing", async (_, operation) => {
    const container = await account.container();
    const { resource } = await container.items.create({ id: "a", pk: "p", text: "t", list: [] });
    const operations: PatchOperation[] = [
      { op: "set", path: "/text", value: "changed" },
      operation,
    ];
    await expect(container.item("a", "p").patch(operations)).rejects.toMatchObject({ code: 400 });
    expect((await container.item("a", "p").read()).resource).toEqual(resource);
  });

  test("a condition that is not met is 412", async () => {
    const container = await account.container();
    await container.items.create({ id: "a", pk: "p", n: 1, state: "open" });
    const patch = (condition: string) =>
      container
        .item("a", "p")
        .patch({ condition, operations: [{ op: "incr", path: "/n", value: 1 }] });
    await expect(patch("from c where c.state = 'closed'")).rejects.toMatchObject({ code: 412 });
    expect((await patch("from c where c.state = 'open' and c.n < 2")).resource).toMatchObject({
      n: 2,
    });
    await expect(patch("from c where c.n < 2")).rejects.toMatchObject({ code: 412 });
    await expect(patch("from c where where")).rejects.toMatchObject({ code: 400 });
  });

  test("a stale If-Match is 412, an absent document 404, more than ten operations 400", async () => {
    const container = await account.container();
    const { resource } = await container.items.create({ id: "a", pk: "p" });
    await container.items.upsert({ id: "a", pk: "p" });
    const one: PatchOperation[] = [{ op: "set", path: "/n", value: 1 }];
    const stale = { accessCondition: { type: "IfMatch", condition: resource?._etag ?? "" } };
    await expect(container.item("a", "p").patch(one, stale)).rejects.toMatchObject({ code: 412 });
    await expect(container.item("b", "p").patch(one)).rejects.toMatchObject({ code: 404 });
    const eleven: PatchOperation[] = Array.from({ length: 11 }, (_, index) => ({
      op: "set",
      path: `/n${index}`,
      value: 1,
    }));
    await expect(container.item("a", "p").patch(eleven)).rejects.toMatchObject({ code: 400 });
    expect((await container.item("a", "p").patch(eleven.slice(1))).statusCode).toBe(200);
  });
});
