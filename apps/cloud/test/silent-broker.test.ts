import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Secret } from "@postern/contracts";
import { startServiceBusEmulator, type ServiceBusEmulator } from "@postern/service-bus-emulator";
import { createServiceBus } from "../src/azure/service-bus";
import { ServiceUnavailable } from "@postern/runtime";

const queue = "sync-start";
const sockets = new Set<Socket>();
/** Current connections silently stop carrying data; later ones work. */
let silenced: ReadonlySet<Socket> = new Set();
let broker: ServiceBusEmulator;

const proxy = createServer((client) => {
  const upstream = connect(broker.port, "127.0.0.1");
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    sockets.add(from);
    from.on("error", () => undefined).on("close", () => sockets.delete(from));
    from.on("data", (chunk: Buffer) => {
      if (!silenced.has(from)) to.write(chunk);
    });
  }
});

beforeAll(async () => {
  broker = await startServiceBusEmulator({ topology: { queues: [{ name: queue }] } });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => proxy.close(resolve));
  await broker.close();
});

test("a connection whose other end is gone without a word costs one send, and the next finds the broker", async () => {
  const { port } = proxy.address() as AddressInfo;
  const bus = createServiceBus(
    {
      connectionString: new Secret(
        broker.connectionString.replace(`localhost:${broker.port}`, `localhost:${port}`),
      ),
      fullyQualifiedNamespace: null,
    },
    { getToken: () => Promise.reject(new Error("the connection string is the credential")) },
  );
  const send = (messageId: string): Promise<void> =>
    bus.send(queue, [{ messageId, body: "{}", properties: {} }]);
  await send("before");
  silenced = new Set(sockets);
  await expect(send("into the void")).rejects.toThrow(ServiceUnavailable);
  await send("after");
  expect(broker.stats()["messagesSent"]).toBe(2);
  await bus.close();
}, 60_000);
