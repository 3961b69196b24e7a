import { expect, test } from "@jest/globals";
import {
  ChangeFeedStartFrom,
  StatusCodes,
  type ChangeFeedPullModelIterator,
  type Container,
} from "@azure/cosmos";
import { testAccount } from "./account";

const account = testAccount();

async function drain(iterator: ChangeFeedPullModelIterator<{ id: string }>): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const { result, statusCode } = await iterator.readNext();
    if (statusCode === StatusCodes.NotModified) return ids;
    ids.push(...result.map(({ id }) => id));
  }
}

const feed = (container: Container, changeFeedStartFrom: ChangeFeedStartFrom, maxItemCount = 2) =>
  container.items.getChangeFeedIterator<{ id: string }>({ changeFeedStartFrom, maxItemCount });

test("the feed has the latest version of each document, in the order of the writes, without deletes", async () => {
  const container = await account.container();
  for (const id of ["a", "b", "c", "d"]) await container.items.create({ id, pk: id });
  await container.items.upsert({ id: "b", pk: "b", n: 2 });
  await container.item("c", "c").delete();
  const iterator = feed(container, ChangeFeedStartFrom.Beginning());
  expect(await drain(iterator)).toEqual(["a", "d", "b"]);
  await container.items.create({ id: "e", pk: "e" });
  expect(await drain(iterator)).toEqual(["e"]);
});

test("the feed of a partition key has only that partition", async () => {
  const container = await account.container();
  const documents = [
    { id: "a", pk: "p" },
    { id: "b", pk: "q" },
    { id: "c", pk: "p" },
  ];
  for (const document of documents) await container.items.create(document);
  expect(await drain(feed(container, ChangeFeedStartFrom.Beginning("p")))).toEqual(["a", "c"]);
});

test("a feed can start from now, and continue from a continuation", async () => {
  const container = await account.container();
  await container.items.create({ id: "a", pk: "p" });
  const iterator = feed(container, ChangeFeedStartFrom.Now());
  expect(await drain(iterator)).toEqual([]);
  await container.items.create({ id: "b", pk: "p" });
  const { continuationToken } = await iterator.readNext();
  await container.items.create({ id: "c", pk: "p" });
  expect(await drain(feed(container, ChangeFeedStartFrom.Continuation(continuationToken)))).toEqual(
    ["c"],
  );
});
