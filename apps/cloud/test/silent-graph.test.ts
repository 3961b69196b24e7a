import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { AzureCredential } from "@postern/runtime";
import { createGraphSource } from "../src/sync/graph/graph-source";

/** Takes every connection and says nothing: what is left of one whose other end is gone without a word. */
let silence: Server;
let url: string;
const sockets = new Set<Socket>();
let requests = 0;
const environment = { ...process.env };

beforeEach(async () => {
  requests = 0;
  silence = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    socket.on("data", (chunk: Buffer) => {
      if (chunk.toString("latin1").startsWith("GET ")) requests += 1;
    });
  });
  await once(silence.listen(0, "127.0.0.1"), "listening");
  url = `127.0.0.1:${(silence.address() as AddressInfo).port}`;
});
afterEach(() => {
  process.env = { ...environment };
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  silence.close();
});

const token = { token: "t", expiresOnTimestamp: Date.now() + 3_600_000 };

// Found by chaos with seed 5025: both streams stood until the host would have ended their functions.
test("Graph is unavailable when it does not respond, and its connection is closed", async () => {
  const graph = createGraphSource(
    { baseUrl: `http://${url}`, scope: "s" },
    { getToken: () => Promise.resolve(token) },
    Date.now,
    1_000,
  );
  await expect(graph.page("users", ["id"], null)).rejects.toMatchObject({ failure: "unavailable" });
  expect(requests).toBe(1);
  // fetch may open another connection after it has given one up; it asks nothing there.
  await Promise.all(
    [...sockets].filter(({ closed }) => !closed).map((socket) => once(socket, "close")),
  );
  expect(requests).toBe(1);
});

test("what can be no id at Graph is in none, and Graph is not asked for it", async () => {
  const graph = createGraphSource(
    { baseUrl: `http://${url}`, scope: "s" },
    { getToken: () => Promise.resolve(token) },
    Date.now,
    100,
  );
  for (const id of ["..", ".", "", "../../me", "a/b", "a?b", " ", "\ud800"]) {
    expect(await graph.object("user", id, ["id"])).toBeUndefined();
    expect(await graph.member(id, "m")).toEqual({ id: "m", memberType: null, present: false });
  }
  expect(sockets.size).toBe(0);
});

test("callers do not wait for a token issuer that does not answer, and later ask it again", async () => {
  process.env = {
    ...environment,
    AZURE_TENANT_ID: "8d6f3a52-0c1b-4a77-9b1f-3d5b7c1f2e10",
    AZURE_CLIENT_ID: "app",
    AZURE_CLIENT_SECRET: "secret",
    AZURE_AUTHORITY_HOST: `https://${url}/`,
  };
  const credential = new AzureCredential({ disableInstanceDiscovery: true, issuerTimeoutMs: 200 });
  await expect(credential.getToken("s")).rejects.toThrow("did not answer within 200 ms");
  const asked = sockets.size;
  expect(asked).toBeGreaterThan(0);
  await expect(credential.getToken("s")).rejects.toThrow("did not answer within 200 ms");
  expect(sockets.size).toBeGreaterThan(asked);
});
