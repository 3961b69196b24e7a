import { describe, expect, test } from "@jest/globals";
import type { Container, FeedOptions } from "@azure/cosmos";
import { testAccount } from "./account";

const account = testAccount();

async function filled(count: number): Promise<Container> {
  const container = await account.container();
  const operations = Array.from({ length: count }, (_, index) => ({
    operationType: "Create" as const,
    resourceBody: { id: String(index), pk: `p${index % 3}`, n: index, tags: ["x", "y", "z"] },
  }));
  for (let at = 0; at < count; at += 100)
    await container.items.bulk(operations.slice(at, at + 100));
  return container;
}

async function pages(
  container: Container,
  query: string,
  options: FeedOptions,
): Promise<unknown[][]> {
  const iterator = container.items.query<unknown>(query, options);
  const found: unknown[][] = [];
  while (iterator.hasMoreResults()) found.push((await iterator.fetchNext()).resources);
  return found;
}

describe("paging", () => {
  test.each([
    "SELECT VALUE c.n FROM c",
    "SELECT VALUE c.n FROM c WHERE c.n % 2 = 0",
    "SELECT VALUE c.n FROM c ORDER BY c.n DESC",
    "SELECT VALUE c.n FROM c ORDER BY c.pk, c.n",
    "SELECT VALUE c.n FROM c OFFSET 3 LIMIT 20",
    "SELECT TOP 17 VALUE c.n FROM c ORDER BY c.pk DESC",
    "SELECT VALUE [c.n, t] FROM c JOIN t IN c.tags",
    "SELECT DISTINCT VALUE c.pk FROM c",
    "SELECT c.pk, COUNT(1) AS n FROM c GROUP BY c.pk",
  ])("the pages of '%s' are what one page would be", async (query) => {
    const container = await filled(50);
    const [whole] = await pages(container, query, { maxItemCount: -1 });
    for (const maxItemCount of [1, 4, 7, 50]) {
      const divided = await pages(container, query, { maxItemCount });
      expect(divided.flat()).toEqual(whole);
      expect(divided.every((page) => page.length <= maxItemCount)).toBe(true);
    }
  });

  test("without a page size a page has a hundred items", async () => {
    const container = await filled(250);
    const found = await pages(container, "SELECT VALUE c.n FROM c", {});
    expect(found.map((page) => page.length)).toEqual([100, 100, 50]);
    expect((await container.items.readAll().fetchAll()).resources).toHaveLength(250);
  });

  test("a page ends at 4 MB", async () => {
    const container = await account.container();
    for (const id of ["a", "b", "c", "d"]) {
      await container.items.create({ id, pk: "p", text: "x".repeat(1_500_000) });
    }
    const found = await pages(container, "SELECT * FROM c", { maxItemCount: -1 });
    expect(found.map((page) => page.length)).toEqual([3, 1]);
  });

  test.each(["SELECT VALUE c.n FROM c", "SELECT VALUE c.n FROM c ORDER BY c.n"])(
    "documents that go between two pages of '%s' hide none",
    async (query) => {
      const container = await filled(30);
      const iterator = container.items.query<number>(query, {
        maxItemCount: 10,
        partitionKey: "p0",
      });
      const first = (await iterator.fetchNext()).resources;
      for (const n of first) await container.item(String(n), "p0").delete();
      const second = container.items.query<number>(query, { maxItemCount: 10, partitionKey: "p0" });
      expect(first).toHaveLength(10);
      expect((await second.fetchAll()).resources).toEqual([]);
    },
  );

  test("a continuation token works in another client, and after deletes before its place", async () => {
    const container = await filled(30);
    for (const query of ["SELECT VALUE c.n FROM c", "SELECT VALUE c.n FROM c ORDER BY c.n"]) {
      const begin = container.items.query<number>(query, { maxItemCount: 4, partitionKey: "p1" });
      const { resources, continuationToken } = await begin.fetchNext();
      const gone = String(resources[1]);
      await container.item(gone, "p1").delete();
      const rest = container.items.query<number>(query, {
        partitionKey: "p1",
        continuationToken: continuationToken ?? "",
      });
      const all = await container.items.query<number>(query, { partitionKey: "p1" }).fetchAll();
      const { resources: after } = await rest.fetchAll();
      expect([...resources.filter((n) => String(n) !== gone), ...after]).toEqual(all.resources);
    }
  });

  test("a continuation token of another query is 400", async () => {
    const container = await filled(30);
    const { continuationToken } = await container.items
      .query("SELECT * FROM c", { maxItemCount: 4 })
      .fetchNext();
    for (const token of [continuationToken ?? "", "nonsense", "e30"]) {
      const other = container.items.query("SELECT c.id FROM c", { continuationToken: token });
      await expect(other.fetchAll()).rejects.toMatchObject({ code: 400 });
    }
  });
});
