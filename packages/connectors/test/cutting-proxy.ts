import { connect, createServer, type Socket } from "node:net";

export interface CuttingProxy {
  readonly port: number;
  /** From now on the client's messages that contain the text reach the server, and the reply never comes back. */
  loseReplyTo(text: string): void;
  /** Every connection goes silent: bytes are taken and not passed on. */
  goSilent(): void;
  /** As a firewall that has lost its table: what is open goes silent, what is opened from now on works. */
  forgetConnections(): void;
  close(): Promise<void>;
}

/** A TCP proxy in front of a database that breaks connections at the moments that matter. */
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
      // The server has answered, so it has done the work: now the client loses the connection.
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
