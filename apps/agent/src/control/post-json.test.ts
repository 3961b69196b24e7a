import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { postJson } from "./post-json";

let server: Server;
let answer: RequestListener;
beforeEach(async () => {
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

const post = (timeoutMs = 10_000) =>
  postJson(
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/x`,
    { name: "Zoë" },
    {
      token: "t",
      timeoutMs,
    },
  );

test("sends JSON with the token and reads what comes back", async () => {
  let seen = "";
  answer = (request, response) => {
    request.setEncoding("utf8").on("data", (text: string) => (seen += text));
    request.on("end", () => {
      seen += ` ${request.method} ${request.headers.authorization}`;
      response.writeHead(429, { "retry-after": "2" }).end('{"code":"throttled"}');
    });
  };
  expect(await post()).toEqual({ status: 429, body: { code: "throttled" }, retryAfterMs: 2_000 });
  expect(seen).toBe('{"name":"Zoë"} POST Bearer t');
});

test("follows no redirect, and takes what is no JSON for no body", async () => {
  answer = (_, response) => response.writeHead(302, { location: "/elsewhere" }).end("<html>");
  expect(await post()).toEqual({ status: 302, body: undefined, retryAfterMs: undefined });
});

test.each<[string, RequestListener]>([
  ["nothing", () => undefined],
  ["half an answer", (_, response) => void response.writeHead(200).write('{"half":')],
])("says that it timed out when %s comes", async (_, listener) => {
  answer = listener;
  await expect(post(50)).rejects.toMatchObject({ name: "TimeoutError" });
});

test("fails when the connection breaks or the answer has no end", async () => {
  answer = (request) => request.socket.destroy();
  await expect(post()).rejects.toMatchObject({ code: "ECONNRESET" });
  answer = (_, response) => {
    const more = (): void => void response.write("x".repeat(65_536), (error) => error ?? more());
    more();
  };
  await expect(post()).rejects.toThrow("longer than");
});
