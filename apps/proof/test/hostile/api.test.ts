import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { HostileRow } from "../../src/hostile/hostile-row";
import { headRows, type Head } from "../../src/hostile/head-rows";
import { jsonRows } from "../../src/hostile/json-rows";
import { yamlRows } from "../../src/hostile/yaml-rows";
import { type ApiServer, type Reply, startApiServer } from "../scenes/api-server";

/** As infra/modules/functions.bicep starts Node, with room for the host itself, which is no .NET here. */
const HEAP_MB = 160;

let api: ApiServer;
let token: string;

beforeAll(async () => {
  api = await startApiServer({ heapMb: HEAP_MB });
  token = await api.token(["Reader", "Operator", "TargetAdmin", "Approver", "Agent"]);
});
afterAll(() => api.close());

const put = (type: string) => (body: string) =>
  api.request("PUT", "syncs/people", { token, body, headers: { "content-type": type } });

const bodies: readonly (readonly [string, readonly HostileRow<string>[], string])[] = [
  ["YAML", yamlRows, "application/yaml"],
  ["JSON", jsonRows, "application/json"],
];

describe.each(bodies)("%s", (_table, rows, type) => {
  test.each(rows.map((row) => [row.name, row] as const))(
    "%s: refused by name, and its neighbour is taken",
    async (_name, { make, within, beyond, says }) => {
      const refused = await put(type)(make(beyond));
      expect([400, 413]).toContain(refused.status);
      expect(refused.text).toMatch(says);
      const taken = await put(type)(make(within));
      expect([taken.status, taken.text]).toEqual([expect.any(Number), taken.text]);
      expect(taken.status).toBeLessThan(300);
    },
  );
});

describe("the head of a request", () => {
  test.each(headRows.map((row) => [row.name, row] as const))(
    "%s: refused, and its neighbour is taken",
    async (_name, { make, within, beyond, says }) => {
      const refused = await send(make(beyond));
      expect(`${refused.status} ${refused.text}`).toMatch(says);
      expect((await send(make(within))).status).toBeLessThan(300);
    },
  );
});

test("the process is the one that was started, and answers", async () => {
  expect((await api.request("GET", "health")).status).toBe(200);
  expect(api.log()).not.toMatch(/heap out of memory|JavaScript heap/);
});

const MOST_TRIES = 5;

/**
 * A refusal closes the connection under a body that is still being sent. If the client notices that by a write before
 * it has read the refusal, the refusal is lost with the connection, and the request is sent again.
 */
async function send(head: Head): Promise<Pick<Reply, "status" | "text">> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await sendOnce(head);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const isClosed = code === "EPIPE" || code === "ECONNRESET";
      if (head.body === undefined || !isClosed || tries === MOST_TRIES) throw error;
    }
  }
}

function sendOnce(head: Head): Promise<Pick<Reply, "status" | "text">> {
  return new Promise((resolve, reject) => {
    const { method = "GET", path, headers = {}, body } = head;
    const login = { authorization: `Bearer ${token}` };
    const call = request(
      `${api.url}/${path}`,
      { method, headers: { ...login, ...headers } },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        response.on("error", () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    let answered = false;
    call.on("response", () => (answered = true));
    call.on("error", (error) => (answered ? undefined : reject(error)));
    call.end(body);
  });
}
