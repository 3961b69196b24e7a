import { afterAll, describe, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Container, OperationInput } from "@azure/cosmos";
import { clientOf } from "./account";
import { runToFailure, startChild, type EmulatorChild } from "./emulator-child";

const root = mkdtempSync(path.join(os.tmpdir(), "cosmos-recovery-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const topology = path.join(root, "topology.json");
writeFileSync(
  topology,
  JSON.stringify({
    databases: [
      {
        id: "db",
        containers: [{ id: "c", partitionKeyPaths: ["/pk"], uniqueKeys: [["/unique"]] }],
      },
    ],
  }),
);

async function withEmulator<T>(
  data: string,
  use: (container: Container, child: EmulatorChild) => Promise<T>,
): Promise<T> {
  const child = await startChild("--data", path.join(root, data), "--topology", topology);
  const client = clientOf(child);
  try {
    return await use(client.database("db").container("c"), child);
  } finally {
    client.dispose();
    await child.kill();
  }
}

describe("kill -9", () => {
  test("loses no acknowledged write, and leaves no partial batch", async () => {
    const acknowledged = new Map<string, string>();
    const batches: string[] = [];
    await withEmulator("writes", async (container, child) => {
      let running = true;
      // The SDK would try to reach the killed emulator for ten seconds.
      const stop = new AbortController();
      const { signal: abortSignal } = stop;
      const single = async (writer: number): Promise<void> => {
        for (let n = 0; running; n += 1) {
          const id = `${writer}-${n % 20}`;
          const document = { id, pk: `w${writer}`, n, unique: id };
          const { resource } = await container.items.upsert(document, { abortSignal });
          acknowledged.set(id, `${n} ${resource?._etag}`);
        }
      };
      const batch = async (): Promise<void> => {
        for (let n = 0; running; n += 1) {
          const operations: OperationInput[] = ["a", "b", "c"].map((part) => ({
            operationType: "Create",
            resourceBody: { id: `${n}${part}`, pk: "batch", unique: `${n}${part}` },
          }));
          await container.items.batch(operations, "batch", { abortSignal });
          batches.push(String(n));
        }
      };
      const writers = [single(0), single(1), single(2), batch()].map((writer) =>
        writer.catch(() => undefined),
      );
      while (acknowledged.size < 60 || batches.length < 20) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await child.kill();
      running = false;
      stop.abort();
      await Promise.all(writers);
    });
    await withEmulator("writes", async (container) => {
      const options = { maxItemCount: -1 };
      const { resources } = await container.items
        .query<{ id: string; pk: string; n: number; _etag: string }>("SELECT * FROM c", options)
        .fetchAll();
      const found = new Map(resources.map((document) => [document.id, document]));
      for (const [id, version] of acknowledged) {
        const document = found.get(id);
        // The kill may have left one further write that was stored but not acknowledged.
        const n = Number(version.split(" ")[0]);
        expect([n, n + 20]).toContain(document?.n);
        if (document?.n === n) expect(`${n} ${document._etag}`).toBe(version);
      }
      const parts = resources.filter(({ pk }) => pk === "batch");
      expect(parts.length % 3).toBe(0);
      expect(parts.length).toBeGreaterThanOrEqual(batches.length * 3);
    });
  });

  test("keeps the key, definitions, deletes, unique keys and the numbering", async () => {
    const before = await withEmulator("state", async (container, child) => {
      await container.items.create({ id: "a", pk: "p", unique: 1 });
      await container.items.create({ id: "b", pk: "p", unique: 2 });
      await container.item("b", "p").delete();
      await container.replace({
        id: "c",
        partitionKey: { paths: ["/pk"] },
        uniqueKeyPolicy: { uniqueKeys: [{ paths: ["/unique"] }] },
        defaultTtl: -1,
      });
      const { resource, headers } = await container.item("a", "p").read();
      return { resource, key: child.key, token: String(headers["x-ms-session-token"]) };
    });
    await withEmulator("state", async (container, child) => {
      expect(child.key).toBe(before.key);
      expect((await container.item("a", "p").read()).resource).toEqual(before.resource);
      expect((await container.item("b", "p").read()).statusCode).toBe(404);
      expect((await container.read()).resource).toMatchObject({ defaultTtl: -1 });
      await expect(container.items.create({ id: "x", pk: "p", unique: 1 })).rejects.toMatchObject({
        code: 409,
      });
      const next = await container.items.create({ id: "b", pk: "p", unique: 2 });
      const lsn = (token: unknown) => Number(String(token).split("#")[1]);
      expect(lsn(next.headers["x-ms-session-token"])).toBe(lsn(before.token) + 1);
      const condition = { type: "IfMatch", condition: String(before.resource?._etag) };
      const replaced = container
        .item("a", "p")
        .replace({ id: "a", pk: "p" }, { accessCondition: condition });
      expect((await replaced).statusCode).toBe(200);
    });
  });

  test.each(["", " ORDER BY c.rank"])("a continuation token works after it%s", async (order) => {
    const query = `SELECT VALUE c.id FROM c${order}`;
    const data = `tokens${order.length}`;
    const first = await withEmulator(data, async (container) => {
      // Partitions whose first documents are gone: their order differs from that of the documents left.
      const documents = ["x1", "y1", "z1", "y2", "x2", "z2", "x3", "y3"];
      for (const [rank, id] of documents.entries()) {
        await container.items.create({ id, pk: id.charAt(0), unique: id, rank });
      }
      for (const id of ["x1", "y1", "z1"]) await container.item(id, id.charAt(0)).delete();
      return container.items.query(query, { maxItemCount: 2 }).fetchNext();
    });
    await withEmulator(data, async (container) => {
      await container.item("x2", "x").delete();
      const options = { continuationToken: first.continuationToken ?? "" };
      const { resources } = await container.items.query(query, options).fetchAll();
      expect([first.resources, resources]).toEqual([
        ["y2", "x2"],
        ["z2", "x3", "y3"],
      ]);
    });
  });
});

describe("the command line", () => {
  test("a second emulator on the same directory refuses to start", async () => {
    await withEmulator("twice", async () => {
      const { code, text } = await runToFailure("--data", path.join(root, "twice"));
      expect(code).toBe(1);
      expect(text).toContain("another emulator");
    });
  });

  test("an invalid topology is refused, naming the fields", async () => {
    const file = path.join(root, "bad.json");
    const containers = [{ id: "c", partitionKeyPaths: ["pk"], defaultTtlSeconds: 0 }];
    writeFileSync(file, JSON.stringify({ databases: [{ id: "db", containers }] }));
    const { code, text } = await runToFailure("--topology", file);
    expect(code).toBe(1);
    expect(text).toContain("databases[0].containers[0].partitionKeyPaths[0]");
    expect(text).toContain("databases[0].containers[0].defaultTtlSeconds");
  });

  test.each([["--port", "x"], ["--key", "!"], ["--nonsense"]])(
    "%s %s is refused",
    async (...flags) => {
      const { code, text } = await runToFailure(...flags);
      expect(code).toBe(1);
      expect(text).toContain(String(flags[0]));
    },
  );
});
