import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Below the range from which Linux takes the local ports of outgoing connections (32768 on): a port chosen now must
 * still be free when its server listens, a second and hundreds of connections later.
 */
const LOWEST_PORT = 15_000;
const HIGHEST_PORT = 32_700;
const ATTEMPTS = 200;

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** The preferred port if it is free, else a free one chosen at random, so that two platforms rarely want the same. */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isFree(preferred))) return preferred;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free TCP port on 127.0.0.1 between ${LOWEST_PORT} and ${HIGHEST_PORT}`);
}
