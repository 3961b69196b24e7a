import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { FaultProxy } from "./fault-proxy";

/** Answers each line with itself, and remembers what it was asked. */
let server: Server;
let asked: string[];
let proxy: FaultProxy;
const opened: Socket[] = [];

beforeEach(async () => {
  asked = [];
  server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      asked.push(chunk.toString());
      socket.write(chunk);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  proxy = await FaultProxy.listen({
    targetPort: (server.address() as AddressInfo).port,
    latencyMs: 120,
  });
});

afterEach(async () => {
  for (const socket of opened.splice(0)) socket.destroy();
  await proxy.close();
  await new Promise((resolve) => server.close(resolve));
});

async function client(): Promise<Socket> {
  const socket = connect(proxy.port, "127.0.0.1");
  socket.on("error", () => undefined);
  opened.push(socket);
  await once(socket, "connect");
  return socket;
}

async function ask(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [chunk] = (await once(socket, "data")) as [Buffer];
  return chunk.toString();
}

const ended = (socket: Socket): Promise<unknown> =>
  new Promise((resolve) => socket.once("close", resolve));

test("without a fault it passes everything on", async () => {
  expect(await ask(await client(), "hello")).toBe("hello");
});

test("cut resets the connections of the moment, and later ones pass", async () => {
  const socket = await client();
  await ask(socket, "one");
  const closed = ended(socket);
  proxy.inject("cut");
  await closed;
  expect(await ask(await client(), "two")).toBe("two");
  expect(proxy.struck.cut).toBe(1);
});

test("an outage refuses until it is healed", async () => {
  proxy.inject("outage");
  const refused = connect(proxy.port, "127.0.0.1");
  refused.on("error", () => undefined);
  await ended(refused);
  proxy.heal();
  expect(await ask(await client(), "back")).toBe("back");
});

test("a black hole accepts and answers nothing; healed, what was sent arrives in order", async () => {
  const socket = await client();
  await ask(socket, "before");
  proxy.inject("black-hole");
  const later = await client();
  socket.write("during");
  later.write("new");
  await sleep(100);
  expect(asked).toEqual(["before"]);
  const answers = Promise.all([once(socket, "data"), once(later, "data")]);
  proxy.heal();
  expect((await answers).map(([chunk]) => String(chunk))).toEqual(["during", "new"]);
});

test("half-open takes the server away and leaves the client in the dark, also when healed", async () => {
  const socket = await client();
  await ask(socket, "before");
  proxy.inject("half-open");
  proxy.heal();
  let heard = false;
  socket.on("data", () => (heard = true)).on("close", () => (heard = true));
  socket.write("anyone?");
  await sleep(150);
  expect(heard).toBe(false);
  expect(asked).toEqual(["before"]);
  expect(await ask(await client(), "new")).toBe("new");
});

test("lose-reply lets the request through, drops the reply and resets, once", async () => {
  const socket = await client();
  proxy.inject("lose-reply");
  const closed = ended(socket);
  socket.write("commit");
  await closed;
  expect(asked).toEqual(["commit"]);
  expect(proxy.struck["lose-reply"]).toBe(1);
  expect(await ask(await client(), "again")).toBe("again");
});

test("latency is late by its time in each direction, and keeps the order", async () => {
  const socket = await client();
  proxy.inject("latency");
  const began = performance.now();
  let received = "";
  socket.on("data", (chunk: Buffer) => (received += chunk.toString()));
  socket.write("a");
  await sleep(20);
  socket.write("b");
  while (received.length < 2) await sleep(5);
  expect(received).toBe("ab");
  expect(performance.now() - began).toBeGreaterThanOrEqual(239);
});

test("a slow reader gets it all, slowly", async () => {
  const socket = await client();
  proxy.inject("slow-reader");
  const text = "x".repeat(4_096);
  let received = 0;
  socket.on("data", (chunk: Buffer) => (received += chunk.length));
  socket.write(text);
  await sleep(50);
  expect(received).toBeLessThan(text.length);
  proxy.heal();
  while (received < text.length) await sleep(5);
});
