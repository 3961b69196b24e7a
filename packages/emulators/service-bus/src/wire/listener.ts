import { listenOnLoopback } from "@postern/emulator-kit";
import { createServer } from "node:net";
import { attachLink } from "./attach";
import { ClientConnection, type ConnectionServices } from "./connection/client-connection";

export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** Accepts AMQP connections on loopback. TLS and WebSockets could be distinguished here by the first byte. */
export async function startListener(port: number, services: ConnectionServices): Promise<Listener> {
  const connections = new Set<ClientConnection>();
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    connections.add(
      new ClientConnection(socket, services, {
        attach: attachLink,
        gone: (connection) => connections.delete(connection),
      }),
    );
  });
  return {
    port: await listenOnLoopback(server, port),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of connections) connection.close();
      }),
  };
}
