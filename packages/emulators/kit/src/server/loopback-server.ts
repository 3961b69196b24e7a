import type { Server as HttpServer } from "node:http";
import type { AddressInfo, Server } from "node:net";

/** Emulators are reached from this machine only. */
const LOOPBACK = "127.0.0.1";

/**
 * Makes a server listen on loopback.
 *
 * @param port 0: any free port
 * @returns the port
 */
export async function listenOnLoopback(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, LOOPBACK, resolve);
  });
  // An address of a pipe is a text; this server listens on a port.
  return (server.address() as AddressInfo).port;
}

/** Closes a server with all its connections, including those with a pending request. */
export function closeServer(
  server: Pick<HttpServer, "close" | "closeAllConnections">,
): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
