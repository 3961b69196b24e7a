import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { CycleView, SyncDefinition } from "@postern/contracts";
import { readTenant } from "@postern/graph-emulator";
import { readDefinition } from "./definition-file";
import type { StartOptions } from "./options";
import { parseTarget } from "./options";
import { DataDirectory } from "./platform/data-directory";
import { LocalPlatform } from "./platform/local-platform";
import { Reporter, type Costs } from "./report/reporter";
import { countRows, prepareTarget } from "./target-tables";
import { writeSampleTenant } from "./tenant/sample-tenant-file";

/** Exit codes of `npm start`. */
export const exitCodes = { ok: 0, refused: 1, itemsFailed: 2, interrupted: 130 } as const;

const DEFAULT_PEOPLE = 500;
const POLL_MS = 250;
/** A cycle whose counts do not change for this long is stalled. */
const STALLED_MS = 120_000;
const FOLLOW_POLL_MS = 1_000;
const RECENT_CYCLES = 50;
const LETTERS_SHOWN = 20;

export interface CycleSummary {
  readonly definition: string;
  readonly kind: string;
  readonly read: number;
  readonly enqueued: number;
  readonly applied: number;
  readonly unchanged: number;
  readonly superseded: number;
  readonly held: number;
  readonly failed: number;
  readonly durationMs: number;
}

function cycleSummary(view: CycleView): CycleSummary {
  const { definition, kind, read, enqueued, applied, unchanged, superseded, held, durationMs } =
    view;
  return {
    definition,
    kind,
    read,
    enqueued,
    applied,
    unchanged,
    superseded,
    held,
    failed: view.deadLettered + view.outcomeUnknown,
    durationMs,
  };
}

/**
 * `npm start`: starts the platform, brings the target in step, then follows changes or (`--once`) exits.
 *
 * Every invalid input is refused before the first process starts.
 *
 * @returns the exit code
 */
export async function start(
  options: StartOptions,
  environment: Readonly<Record<string, string | undefined>>,
  interrupted: AbortSignal,
): Promise<number> {
  const began = performance.now();
  const definition = readDefinition(options.definition);
  if (options.tenant !== undefined) readTenant(options.tenant);
  const data = DataDirectory.open(options.data);
  const coloured = process.stderr.isTTY && environment["NO_COLOR"] === undefined;
  const reporter = new Reporter(process.stderr, coloured);
  reporter.title();
  let platform: LocalPlatform | undefined;
  try {
    const target =
      options.target ??
      parseTarget(data.state.targets[definition.target] ?? "sqlite:target.db", data.root);
    const tenantFile = await tenantFor(options, data, reporter);
    await prepareTarget(target, definition);
    platform = await LocalPlatform.start({
      data,
      definition,
      targetUrl: target.url,
      tenantFile,
      environment,
      onProcess: (name, state, tookMs) => reporter.process(name, state, tookMs),
    });
    reporter.ready(performance.now() - began);
    const run = new Run(platform, definition, reporter, interrupted);
    const cycles = await run.bringInStep();
    if (interrupted.aborted) return exitCodes.interrupted;
    const costs = await run.costs();
    const failed = cycles.some((view) => view.deadLettered + view.outcomeUnknown > 0);
    if (failed) await run.sayWhatFailed();
    reporter.summary({
      tables: await countRows(target, definition),
      costs,
      items: cycles.reduce((sum, view) => sum + view.enqueued, 0),
      memory: ["functions", "agent"].map((name) => ({
        name,
        bytes: platform?.processes.get(name)?.peakRssBytes() ?? 0,
      })),
      where: {
        data: data.root,
        target: target.shown,
        functions: platform.endpoints.functions,
        graph: platform.endpoints.graph,
      },
      following: !options.once,
    });
    if (!options.once) await run.follow();
    if (options.json)
      process.stdout.write(
        `${JSON.stringify({ cycles: run.summaries(), ...(options.once ? costs : await run.costs()), target: target.shown })}\n`,
      );
    if (options.once && failed) return exitCodes.itemsFailed;
    return exitCodes.ok;
  } finally {
    reporter.stopping();
    if (platform === undefined) data.close();
    else await platform.stop();
  }
}

/** The tenant to load: the one named, a generated one on fresh data, none when the data directory has its own. */
async function tenantFor(
  options: StartOptions,
  data: DataDirectory,
  reporter: Reporter,
): Promise<string | undefined> {
  if (options.tenant !== undefined) return options.tenant;
  if (data.state.seeded && options.people === undefined) return undefined;
  const people = options.people ?? DEFAULT_PEOPLE;
  const file = data.path(`sample-tenant-${people}.json`);
  if (!existsSync(file)) {
    const { users, groups } = await writeSampleTenant(file, people);
    reporter.note(
      `  Sample company: ${users.toLocaleString("en")} people, ${groups.toLocaleString("en")} groups`,
    );
  }
  return file;
}

/** A cycle makes no progress. */
export class StalledError extends Error {
  override readonly name = "StalledError";

  constructor(definition: string, view: CycleView, logs: string) {
    const waiting =
      view.waiting > 0 ? ` (${view.waiting} wait for another item at the target)` : "";
    super(
      `The ${view.kind} cycle of '${definition}' has not moved for ${STALLED_MS / 1_000} s: ${view.pending} of ${view.enqueued} items have no outcome${waiting}.\nThe logs in ${logs} show why: functions.log for reading and deciding, agent.log for applying.`,
    );
  }
}

/** Reports when the counts of a cycle stay the same for too long. */
class Patience {
  readonly #limitMs: number;
  #last = "";
  #since = performance.now();

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  isOver(shown: string): boolean {
    const now = performance.now();
    if (shown !== this.#last) {
      this.#last = shown;
      this.#since = now;
    }
    return now - this.#since > this.#limitMs;
  }
}

/** One run of the platform, from the first cycle to the end. */
class Run {
  readonly #platform: LocalPlatform;
  readonly #definition: SyncDefinition;
  readonly #reporter: Reporter;
  readonly #interrupted: AbortSignal;
  readonly #seen = new Map<string, CycleView>();
  #definitions: readonly string[] = [];

  constructor(
    platform: LocalPlatform,
    definition: SyncDefinition,
    reporter: Reporter,
    interrupted: AbortSignal,
  ) {
    this.#platform = platform;
    this.#definition = definition;
    this.#reporter = reporter;
    this.#interrupted = interrupted;
  }

  /** Waits until every enabled definition is in step with the source as it is now and the queues are empty. */
  async bringInStep(): Promise<CycleView[]> {
    const { api } = this.#platform;
    await api.call("putSync", { params: { id: this.#definition.id }, body: this.#definition });
    const { value: syncs } = await api.list("listSyncs", {}, Infinity);
    this.#definitions = syncs
      .map(({ definition }) => definition)
      .filter(({ enabled }) => enabled)
      .map(({ id }) => id);
    const views: CycleView[] = [];
    for (const id of this.#definitions) views.push(...(await this.#cyclesToStep(id)));
    await this.#queuesEmpty();
    return views;
  }

  /** Waits for the cycles that bring one definition in step. */
  async #cyclesToStep(id: string): Promise<CycleView[]> {
    const { api } = this.#platform;
    const open = (await this.#recentCycles(id)).filter((view) => view.state !== "completed");
    // A cycle that is still open must end; without an initial one, a new cycle shows what has changed meanwhile.
    const ids = open.map((view) => view.id as string);
    if (!open.some((view) => view.kind === "initial")) {
      ids.push((await api.call("startCycle", { params: { id } })).value.cycleId);
    }
    const views: CycleView[] = [];
    for (const cycleId of ids) {
      const view = await this.#completed(id, cycleId);
      if (view === undefined) return views;
      views.push(view);
      this.#note(view);
    }
    return views;
  }

  /** Shows each cycle that had something to do, until interrupted. */
  async follow(): Promise<void> {
    while (!this.#interrupted.aborted) {
      await sleep(FOLLOW_POLL_MS, undefined, { signal: this.#interrupted }).catch(() => undefined);
      if (this.#interrupted.aborted) return;
      const views = await this.#recentCycles(this.#definition.id).catch(() => []);
      for (const view of views.toReversed()) {
        if (view.state === "completed" && !this.#seen.has(view.id) && view.read > 0)
          this.#note(view);
      }
    }
  }

  summaries(): CycleSummary[] {
    return [...this.#seen.values()].map(cycleSummary);
  }

  async costs(): Promise<Costs> {
    const [graph, serviceBus, cosmos] = await Promise.all(
      ["graph", "service-bus", "cosmos"].map((name) => this.#platform.stats(name)),
    );
    return {
      graphRequests: graph?.["requests"] ?? 0,
      serviceBusOperations: serviceBus?.["operations"] ?? 0,
      cosmosRequests: cosmos?.["requests"] ?? 0,
    };
  }

  async sayWhatFailed(): Promise<void> {
    const { api } = this.#platform;
    const letters = await api.list("listDeadLetters", { query: { state: "open" } }, LETTERS_SHOWN);
    for (const { code, reason, entity } of letters.value) {
      this.#reporter.problem(`${entity ?? "message"}: ${code}: ${reason}`);
    }
  }

  async #recentCycles(id: string): Promise<readonly CycleView[]> {
    return (await this.#platform.api.list("listCycles", { params: { id } }, RECENT_CYCLES)).value;
  }

  #note(view: CycleView): void {
    this.#seen.set(view.id, view);
    this.#reporter.finished(view.definition, view);
  }

  async #completed(id: string, cycleId: string): Promise<CycleView | undefined> {
    const patience = new Patience(STALLED_MS);
    while (!this.#interrupted.aborted) {
      const { value: view } = await this.#platform.api.call("getCycle", {
        params: { id, cycleId },
      });
      if (view.state === "completed") return view;
      if (patience.isOver(`${view.read} ${view.enqueued} ${view.pending} ${view.waiting}`)) {
        throw new StalledError(id, view, this.#platform.logDirectory);
      }
      this.#reporter.progress(id, view);
      await sleep(POLL_MS, undefined, { signal: this.#interrupted }).catch(() => undefined);
    }
    return undefined;
  }

  async #queuesEmpty(): Promise<void> {
    while (!this.#interrupted.aborted) {
      const stats = await this.#platform.stats("service-bus");
      // The start queue gets a tick every second, so a pending one says nothing.
      const busy = Object.entries(stats).some(
        ([name, value]) =>
          /^(active|scheduled):(sync|jobs|results)-/.test(name) &&
          !name.endsWith(":sync-start") &&
          value > 0,
      );
      if (!busy) return;
      await sleep(50);
    }
  }
}
