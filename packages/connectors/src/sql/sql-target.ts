/**
 * A SQL database as a target.
 *
 * Nothing is opened before the first probe or batch. A session (engine, catalogue, inbox) lives until the database
 * refuses the login. It is then dropped, so that a changed url file is read again. PostgreSQL runs at most `poolSize`
 * batches at a time and has a separate connection for probes. SQLite has one connection: it runs one batch at a time,
 * and a probe waits for the current transaction, at most for `connectTimeoutMs` plus the statement that is blocking the
 * thread.
 *
 * A target writes only to the tables that items name and to its inbox, creates no table except the inbox, and never
 * repeats a value or a secret in a message.
 */
import { invariant, PosternError } from "@postern/contracts";
import type {
  ApplyItem,
  ApplyOptions,
  ApplyResult,
  ProbeResult,
  StopSignal,
  Target,
  TargetFailure,
} from "../connector";
import type { StatementSink } from "../tracing/statement-span";
import { BatchWriter } from "./batch/batch-writer";
import type { OpenEngine } from "./driver";
import { Catalogue } from "./engine/catalogue";
import type { SqlEngine } from "./engine/engine";
import { StatementCache } from "./engine/statement-cache";
import { type Inbox, openInbox } from "./inbox/inbox";
import { type PlannedItem, type PlanningContext, planItem } from "./rows/planned-item";
import { RowWriter } from "./rows/row-writer";
import { Semaphore } from "./semaphore";
import type { SqlSettings } from "./settings";
import { targetTraits } from "./target-traits";

export interface SqlTargetOptions {
  /** Name of the target, for spans and errors. */
  readonly name: string;
  readonly settings: SqlSettings;
  readonly openEngine: OpenEngine;
  readonly onStatement: StatementSink;
}

interface Session {
  readonly engine: SqlEngine;
  readonly inbox: Inbox;
  readonly planning: PlanningContext;
  readonly writer: BatchWriter;
  readonly turns: Semaphore;
}

export class SqlTarget implements Target {
  readonly name: string;
  readonly kind = targetTraits.kind;
  readonly hasInbox = targetTraits.hasInbox;
  readonly maxBatchItems = targetTraits.maxBatchItems;
  readonly #options: SqlTargetOptions;
  readonly #settings: SqlSettings;
  #session: Session | undefined;
  #closed = false;

  constructor(options: SqlTargetOptions) {
    this.name = options.name;
    this.#options = options;
    this.#settings = options.settings;
  }

  async probe({ signal }: ApplyOptions): Promise<ProbeResult> {
    const began = performance.now();
    const durationMs = (): number => Math.round(performance.now() - began);
    try {
      const { engine } = this.#open();
      const { product, readOnly } = await withinTime(
        engine.identify(),
        this.#settings.connectTimeoutMs,
        signal,
      );
      return readOnly
        ? {
            reachable: false,
            reason: "the database is read-only",
            product,
            durationMs: durationMs(),
          }
        : { reachable: true, product, durationMs: durationMs() };
    } catch (error) {
      const { code, message } = this.#failureOf(error);
      // While the breaker is open there are only probes, so a probe must also have a changed url file read. Running
      // batches may still use the old session, which ends with them; a probe does not wait for that.
      if (code === "target-refused-login") void this.#dropSession();
      return { reachable: false, reason: message, durationMs: durationMs() };
    }
  }

  async apply(
    items: readonly ApplyItem[],
    { signal }: { readonly signal: StopSignal },
  ): Promise<readonly ApplyResult[]> {
    invariant(
      items.length <= this.maxBatchItems,
      `a batch has at most ${this.maxBatchItems} items`,
    );
    signal.throwIfAborted();
    const results: (ApplyResult | undefined)[] = items.map(() => undefined);
    const fail = (failure: TargetFailure): void => {
      items.forEach((_, index) => (results[index] ??= { outcome: "failed", failure }));
    };
    try {
      const session = this.#open();
      const applyOnce = () => this.#applyOnce(session, items, results, signal);
      const catalogueStale = await session.turns.run(applyOnce);
      if (catalogueStale) {
        // The cached catalogue was out of date. The items that failed wrote nothing: try them once more.
        session.planning.catalogue.clear();
        session.inbox.forget();
        results.forEach((result, index) => {
          if (result?.outcome === "failed") results[index] = undefined;
        });
        await session.turns.run(applyOnce);
      }
    } catch (error) {
      if (signal.aborted && error === signal.reason) throw error;
      fail(this.#failureOf(error));
    }
    if (results.some(isRefusedLogin)) await this.#dropSession();
    return results.map((result) => {
      invariant(result, "every item has a result");
      return result;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#dropSession();
  }

  /** Fills in the missing results. @returns whether the catalogue turned out to be out of date */
  async #applyOnce(
    session: Session,
    items: readonly ApplyItem[],
    results: (ApplyResult | undefined)[],
    signal: StopSignal,
  ): Promise<boolean> {
    signal.throwIfAborted();
    await session.inbox.ensure();
    // Entities are distinct by contract. If they are not, each further item of an entity gets a separate transaction.
    const turns: PlannedItem[][] = [];
    const seen = new Map<string, number>();
    for (const [index, entry] of items.entries()) {
      if (results[index]) continue;
      const plan = await planItem(session.planning, index, entry);
      if (!plan.ok) {
        results[index] = { outcome: "failed", failure: plan.failure };
        continue;
      }
      const entity = JSON.stringify([entry.definition, entry.item.entity]);
      const turn = seen.get(entity) ?? 0;
      seen.set(entity, turn + 1);
      (turns[turn] ??= []).push(plan.planned);
    }
    let catalogueStale = false;
    for (const turn of turns) {
      const written = await session.writer.write(turn, signal);
      for (const [item, result] of written.results) results[item.index] = result;
      catalogueStale ||= written.catalogueStale;
    }
    return catalogueStale;
  }

  #open(): Session {
    if (this.#closed) throw new PosternError("target-unreachable", "the target is closed");
    if (this.#session) return this.#session;
    const { onStatement } = this.#options;
    const engine = this.#options.openEngine(this.#settings, this.name);
    const statements = new StatementCache();
    const inboxTable = this.#settings.inboxTable;
    const inbox = openInbox({ engine, table: inboxTable, statements });
    const session: Session = {
      engine,
      inbox,
      planning: {
        engine,
        catalogue: new Catalogue(engine),
        allowedObjects: this.#settings.allowedObjects && new Set(this.#settings.allowedObjects),
        inboxTable,
      },
      writer: new BatchWriter({
        engine,
        inbox,
        rows: new RowWriter({ engine, statements, target: this.name, onStatement }),
        target: this.name,
        inboxTable,
        onStatement,
      }),
      turns: new Semaphore(engine.maxConcurrentTransactions),
    };
    this.#session = session;
    return session;
  }

  async #dropSession(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    // An error from closing a broken connection tells nothing new.
    await session?.engine.close().catch(() => undefined);
  }

  #failureOf(error: unknown): TargetFailure {
    if (error instanceof ProbeTimeout) {
      return { class: "target-down", code: "target-timeout", message: error.message };
    }
    if (error instanceof PosternError) {
      return { class: "target-down", code: error.code, message: error.message };
    }
    const session = this.#session;
    if (!session) {
      return { class: "target-down", code: "target-unreachable", message: "the target is closed" };
    }
    const { failure, scope } = session.engine.classify(error, this.#settings.inboxTable);
    // No item is involved yet, so every failure concerns the target as a whole.
    return scope === "batch" ? failure : { ...failure, class: "target-down" };
  }
}

class ProbeTimeout extends Error {}

async function withinTime<Result>(
  work: Promise<Result>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Result> {
  const timeout = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const expired = new Promise<never>((_, reject) => {
    const refuse = (): void => {
      const reason = signal.aborted ? "was stopped" : `got no answer within ${timeoutMs} ms`;
      reject(new ProbeTimeout(`the probe ${reason}`));
    };
    if (timeout.aborted) refuse();
    else timeout.addEventListener("abort", refuse, { once: true });
  });
  return Promise.race([work, expired]);
}

function isRefusedLogin(result: ApplyResult | undefined): boolean {
  return result?.outcome === "failed" && result.failure.code === "target-refused-login";
}
