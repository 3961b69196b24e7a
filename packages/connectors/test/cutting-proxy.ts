import { connect, createServer, type Socket } from "node:net";

export interface CuttingProxy {
  readonly port: number;
  /** The client's next message that contains the text reaches the server, but the client loses the reply. */
  loseReplyTo(text: string): void;
  /** Every connection goes silent: bytes are accepted and not passed on. */
  goSilent(): void;
  /** Like a firewall that has lost its table: open connections go silent, new ones work. */
  forgetConnections(): void;
  close(): Promise<void>;
}

/** A TCP proxy in front of a database that breaks connections at critical moments. */
export async function startCuttingProxy(serverPort: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let losing: string | undefined;
  let silent = false;
  let forgotten = 0;
  const server = createServer((client) => {
    const upstream = connect(serverPort, "127.0.0.1");
    const epoch = forgotten;
    const isSilent = (): boolean => silent || epoch < forgotten;
    let cut = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (data) => {
      if (isSilent()) return;
      if (losing !== undefined && data.includes(losing)) {
        losing = undefined;
        cut = true;
      }
      upstream.write(data);
    });
    upstream.on("data", (data) => {
      if (isSilent()) return;
      // The server has answered, so it has done the work. Now the client loses the connection.
      if (cut) client.destroy();
      else client.write(data);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    loseReplyTo(text) {
      losing = text;
    },
    goSilent() {
      silent = true;
    },
    forgetConnections() {
      forgotten += 1;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
