import { PosternError } from "@postern/contracts";
import type {
  ApplyItem,
  ApplyOptions,
  ApplyResult,
  Connector,
  ProbeOptions,
  ProbeResult,
  Target,
  TargetContext,
} from "../connector";
import { databaseFile, locationOf } from "./location";
import { parseSqlSettings, type SqlSettings } from "./settings";

/** Tables of a SQL database: SQLite and PostgreSQL. */
export const sqlConnector: Connector<SqlSettings> = {
  kind: "sql",
  parseSettings: parseSqlSettings,
  open: (settings, context) => new SqlTargetOfItsKind(settings, context),
};

/** Largest batch of the connector, whatever the database. */
const MAX_BATCH_ITEMS = 1_000;

/** Loading a thread's program takes 300 ms on a busy machine; whatever needs this long does not come. */
const THREAD_START_MS = 30_000;
/** However short a statement may take by the settings: between two of them a thousand items are planned and bound. */
const LEAST_SILENCE_MS = 10_000;
/** A thread takes 12 MB and 40 ms to start: one that has had nothing to do for this long is not worth its memory. */
const THREAD_REST_MS = 60_000;

/**
 * A SQL target before it is known which database it is: the file that holds the url may come later than the agent. The
 * first call decides, once and for all, and loads what that database needs.
 *
 * SQLite works in a thread of its own: its driver stands still while a statement runs. PostgreSQL works in the agent's
 * thread: its driver waits for nothing but its socket (docs/adr/0008).
 */
class SqlTargetOfItsKind implements Target {
  readonly name: string;
  readonly kind = "sql";
  readonly hasInbox = true;
  readonly maxBatchItems = MAX_BATCH_ITEMS;
  readonly #settings: SqlSettings;
  readonly #context: TargetContext;
  #opening: Promise<Target> | undefined;
  #opened: Target | undefined;
  #closed = false;

  constructor(settings: SqlSettings, context: TargetContext) {
    this.name = context.name;
    this.#settings = settings;
    this.#context = context;
  }

  get hasThread(): boolean {
    return this.#opened?.hasThread ?? false;
  }

  async probe(options: ProbeOptions): Promise<ProbeResult> {
    const began = performance.now();
    try {
      return await (await this.#open()).probe(options);
    } catch (error) {
      if (!(error instanceof PosternError)) throw error;
      const durationMs = Math.round(performance.now() - began);
      return { reachable: false, reason: error.message, durationMs };
    }
  }

  async apply(items: readonly ApplyItem[], options: ApplyOptions): Promise<readonly ApplyResult[]> {
    let target: Target;
    try {
      target = await this.#open();
    } catch (error) {
      if (!(error instanceof PosternError)) throw error;
      const { code, message } = error;
      const failure = { class: "target-down", code, message } as const;
      return items.map(() => ({ outcome: "failed", failure }));
    }
    return target.apply(items, options);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await (await this.#opening)?.close();
  }

  /** @throws PosternError when it has been closed, or the settings name no database yet */
  async #open(): Promise<Target> {
    if (this.#closed) throw new PosternError("target-unreachable", "the target has been closed");
    if (this.#opening === undefined) {
      const { kind } = locationOf(this.#settings);
      this.#opening = kind === "sqlite" ? this.#inItsThread() : this.#inThisThread();
    }
    return (this.#opened = await this.#opening);
  }

  async #inItsThread(): Promise<Target> {
    const [{ ThreadTarget }, { toThread }, { fileLooksUsable }] = await Promise.all([
      import("../thread/thread-target"),
      import("./sqlite/thread-settings"),
      import("./sqlite/look-at-file"),
    ]);
    const { statementTimeoutMs } = this.#settings;
    return new ThreadTarget({
      kind: this.kind,
      hasInbox: this.hasInbox,
      maxBatchItems: this.maxBatchItems,
      thread: {
        program: this.#context.threadProgram,
        start: { driver: "sqlite", name: this.name, settings: toThread(this.#settings) },
        startMs: THREAD_START_MS,
        // Of one statement: each that comes back is a sign of life, and a wait for the lock asks for it again and again.
        silenceMs: Math.max(statementTimeoutMs, LEAST_SILENCE_MS),
        restMs: THREAD_REST_MS,
      },
      look: async () =>
        (await fileLooksUsable(databaseFile(this.#settings)))
          ? { product: `SQLite ${process.versions["sqlite"]}` }
          : undefined,
    });
  }

  async #inThisThread(): Promise<Target> {
    const { openPostgresTarget } = await import("./postgres/postgres-target");
    return openPostgresTarget(this.name, this.#settings);
  }
}
