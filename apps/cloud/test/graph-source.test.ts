import { expect, test } from "@jest/globals";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createGraphSource } from "../src/sync/graph/graph-source";

const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

test("a membership that the pages read do not show is not taken for gone", async () => {
  const wanted = id(42);
  let pages = 0;
  const server = createServer((_request, response) => {
    pages += 1;
    const last = pages > 200;
    const base = `http://localhost:${(server.address() as AddressInfo).port}`;
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({
        value: last
          ? [{ id: wanted, "@odata.type": "#microsoft.graph.user" }]
          : [{ id: id(pages + 1_000) }],
        ...(last
          ? {}
          : { "@odata.nextLink": `${base}/v1.0/groups/${id(1)}/members?$skiptoken=${pages}` }),
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  try {
    const baseUrl = `http://localhost:${(server.address() as AddressInfo).port}`;
    const graph = createGraphSource(
      { baseUrl, scope: "x" },
      { getToken: () => Promise.resolve({ token: "t", expiresOnTimestamp: Date.now() + 1e6 }) },
      Date.now,
    );
    const found = await graph
      .member(id(1), wanted)
      .catch((error: unknown) => ({ error: String(error) }));
    expect(found).not.toMatchObject({ present: false });
  } finally {
    server.close();
  }
});

test("a number that no double holds arrives as its digits, and its neighbours as they are", async () => {
  const body = `{"value":[
    {"id":"${id(1)}","badge":9007199254740993,"rate":0.1},
    {"id":"${id(2)}","badge":1e400,"rate":-0},
    {"id":"${id(3)}","badge":7,"rate":1.5}],
    "@odata.deltaLink":"BASE/v1.0/users/delta?$deltatoken=t"}`;
  const server = createServer((_request, response) => {
    const base = `http://localhost:${(server.address() as AddressInfo).port}`;
    response.setHeader("content-type", "application/json");
    response.end(body.replace("BASE", base));
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  try {
    const baseUrl = `http://localhost:${(server.address() as AddressInfo).port}`;
    const graph = createGraphSource(
      { baseUrl, scope: "x" },
      { getToken: () => Promise.resolve({ token: "t", expiresOnTimestamp: Date.now() + 1e6 }) },
      Date.now,
    );
    const { changes } = await graph.page("users", ["id", "badge", "rate"], null);
    expect(changes.map(({ properties }) => [properties["badge"], properties["rate"]])).toEqual([
      ["9007199254740993", 0.1],
      [`1${"0".repeat(400)}`, 0],
      [7, 1.5],
    ]);
  } finally {
    server.close();
  }
});
