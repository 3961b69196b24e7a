/**
 * A SQL target whose database is not known yet: the file that holds the url may appear after the agent has started. The
 * first call that finds a url picks the driver for good and loads its code.
 */
import { PosternError } from "@postern/contracts";
import type {
  ApplyItem,
  ApplyOptions,
  ApplyResult,
  ProbeOptions,
  ProbeResult,
  Target,
} from "../connector";
import type { SqlDriver, SqlTargetContext } from "./driver";
import { driverOf } from "./drivers";
import { readUrl } from "./location";
import type { SqlSettings } from "./settings";
import { targetTraits } from "./target-traits";

export class LazySqlTarget implements Target {
  readonly name: string;
  readonly kind = targetTraits.kind;
  readonly hasInbox = targetTraits.hasInbox;
  readonly maxBatchItems = targetTraits.maxBatchItems;
  readonly #settings: SqlSettings;
  readonly #context: SqlTargetContext;
  #opening: Promise<Target> | undefined;
  #opened: Target | undefined;
  #closed = false;

  constructor(settings: SqlSettings, context: SqlTargetContext) {
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

  /** @throws PosternError when the target is closed, or the settings do not name a database yet */
  async #open(): Promise<Target> {
    if (this.#closed) throw new PosternError("target-unreachable", "the target is closed");
    if (this.#opening === undefined) {
      const driver = driverOf(readUrl(this.#settings).reveal());
      this.#opening = driver.openTarget
        ? driver.openTarget(this.#settings, this.#context)
        : this.#openInThisThread(driver);
    }
    return (this.#opened = await this.#opening);
  }

  async #openInThisThread(driver: SqlDriver): Promise<Target> {
    const [{ SqlTarget }, { traceStatement }, openEngine] = await Promise.all([
      import("./sql-target"),
      import("../tracing/trace-statement"),
      driver.loadEngine(),
    ]);
    return new SqlTarget({
      name: this.name,
      settings: this.#settings,
      openEngine,
      onStatement: traceStatement,
    });
  }
}
