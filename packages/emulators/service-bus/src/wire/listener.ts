import { createServer, type AddressInfo } from "node:net";
import { attachLink } from "./attach";
import { ClientConnection, type ConnectionServices } from "./connection/client-connection";

export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** Accepts AMQP connections on loopback. TLS and WebSockets would be told apart here by the first byte. */
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
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of connections) connection.close();
      }),
  };
}
