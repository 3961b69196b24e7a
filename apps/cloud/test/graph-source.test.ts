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
