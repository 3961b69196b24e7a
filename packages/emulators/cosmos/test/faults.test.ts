import { afterEach, describe, expect, test } from "@jest/globals";
import type { FaultInput } from "@postern/emulator-kit";
import { testAccount } from "./account";

const account = testAccount();
afterEach(() => account.emulator.faults.clear());

const count = (name: string): number => account.emulator.stats()[name] ?? 0;

describe("faults", () => {
  test("a throttled request gets 429 with a delay, which the SDK waits for", async () => {
    const container = await account.container();
    account.emulator.faults.add({
      kind: "throttle",
      operation: "create",
      times: 2,
      retryAfterMs: 30,
    });
    const before = count("throttled");
    const { statusCode, headers } = await container.items.create({ id: "a", pk: "p" });
    expect(statusCode).toBe(201);
    expect(headers["x-ms-throttle-retry-count"]).toBe(2);
    expect(count("throttled") - before).toBe(2);
    account.emulator.faults.add({
      kind: "throttle",
      operation: "read",
      resource: container.id,
      retryAfterMs: 1,
    });
    await expect(container.item("a", "p").read()).rejects.toMatchObject({
      code: 429,
      substatus: 3200,
    });
  });

  test("a refusal has the requested status, and nothing is carried out", async () => {
    const container = await account.container();
    account.emulator.faults.add({ kind: "refuse", operation: "upsert", status: 403, times: 1 });
    await expect(container.items.upsert({ id: "a", pk: "p" })).rejects.toMatchObject({ code: 403 });
    expect((await container.item("a", "p").read()).statusCode).toBe(404);
  });

  test("a cut connection carries nothing out, a lost reply carries the request out", async () => {
    const container = await account.container();
    const strike = (kind: FaultInput["kind"]): string =>
      account.emulator.faults.add({ kind, operation: "batch", resource: container.id, times: 1 });
    const write = (id: string) =>
      container.items.batch([{ operationType: "Create", resourceBody: { id, pk: "p" } }], "p");
    strike("cut");
    await expect(write("cut")).rejects.toThrow();
    strike("lose-reply");
    await expect(write("lost")).rejects.toThrow();
    expect((await container.item("cut", "p").read()).statusCode).toBe(404);
    expect((await container.item("lost", "p").read()).statusCode).toBe(200);
    expect((await write("lost")).result?.[0]?.statusCode).toBe(409);
  });

  test("a delayed request is carried out later", async () => {
    const container = await account.container();
    account.emulator.faults.add({ kind: "delay", operation: "create", delayMs: 150, times: 1 });
    const creating = container.items.create({ id: "a", pk: "p" });
    expect((await container.item("a", "p").read()).statusCode).toBe(404);
    expect((await creating).statusCode).toBe(201);
  });

  test.each(["bulk", "query", "replace", "delete", "patch"])(
    "%s can be struck",
    async (operation) => {
      const container = await account.container();
      await container.items.create({ id: "a", pk: "p" });
      account.emulator.faults.add({ kind: "refuse", operation, status: 403, times: 1 });
      const item = container.item("a", "p");
      const run: Record<string, () => Promise<unknown>> = {
        bulk: () => container.items.bulk([{ operationType: "Read", id: "a", partitionKey: "p" }]),
        query: () => container.items.query("SELECT * FROM c").fetchAll(),
        replace: () => item.replace({ id: "a", pk: "p" }),
        delete: () => item.delete(),
        patch: () => item.patch([{ op: "set", path: "/n", value: 1 }]),
      };
      await expect(run[operation]?.()).rejects.toThrow();
      expect(account.emulator.faults.list()).toEqual([]);
    },
  );
});

describe("counters", () => {
  test("requests are counted by container and operation, a batch as one, metadata separately", async () => {
    const container = await account.container();
    const before = account.emulator.stats();
    await container.items.create({ id: "a", pk: "p" });
    await container.item("a", "p").read();
    await container.items.batch(
      [
        { operationType: "Read", id: "a" },
        { operationType: "Read", id: "a" },
      ],
      "p",
    );
    await container.items.query("SELECT * FROM c").fetchAll();
    await container.read();
    const after = (await (await fetch(`${account.emulator.control}/stats`)).json()) as Record<
      string,
      number
    >;
    const grown = (name: string): number => (after[name] ?? 0) - (before[name] ?? 0);
    expect(after[`requests:${container.id}`]).toBe(4);
    expect(grown("requests")).toBe(4);
    expect(["create", "read", "batch", "query"].map((name) => grown(`requests.${name}`))).toEqual([
      1, 1, 1, 1,
    ]);
    expect(grown("metadataRequests")).toBeGreaterThanOrEqual(1);
    expect(grown("requestUnits")).toBeGreaterThan(8);
  });
});
