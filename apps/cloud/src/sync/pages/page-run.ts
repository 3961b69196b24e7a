import { ServiceUnavailable } from "@postern/runtime";
import { SourceError } from "../../ports/source";
import type { SyncPorts } from "../../ports/cloud-ports";
/**
 * One run of one stream, from a start message to its completion.
 *
 *   look → decide → claim → read → index → enqueue → commit → (next page …) → continuation
 *
 * Called by the queue trigger of `sync-start`, one message of a stream at a time (its session). Pages are run until the
 * delta link, or until 60 s have passed: then a continuation asks for the rest. A failure on the way ends the run; what
 * it has not committed is done again under a new version. A run never sleeps: to wait, it schedules a message that asks
 * for it again. It never completes the message: returning does.
 */
import type { StartMessage, Version } from "@postern/contracts";
import { compileDefinition, type CompiledDefinition } from "../mapping/compiled-definition";
import { afterCommit, afterRead, type AfterRead, cycleOfRun } from "./enumeration";
import type { CycleOfRun, RunContext } from "./page-context";
import { PageWork } from "./page-work";
import { decideStart } from "../streams/start-decision";
import { beginResync } from "./resync";
import { RunEnd } from "./run-end";
import type { Claim, StreamClaims } from "../streams/stream-claims";
import { sweep } from "./sweep";
import { readPages, type ReadPages } from "./work-page-reader";

const AIM_MS = 60_000;
/** How often a page that lost its claim is tried again immediately; after that other runs get their turn first. */
const MAX_LOST = 3;

export interface PageRunOptions {
  readonly ports: SyncPorts;
  readonly claims: StreamClaims;
}

export async function runPages(
  { ports, claims }: PageRunOptions,
  message: StartMessage,
): Promise<void> {
  const end = new RunEnd(ports, claims, message);
  try {
    await new PageRun(ports, claims, message, end).run();
  } catch (error) {
    claims.forget(message.definition, message.stream);
    if (error instanceof ServiceUnavailable) await end.retryLater(error);
    else throw error;
  }
}

/** A claimed stream and the cycle that its pages count in: what moves from page to page. */
interface Position {
  readonly claim: Claim;
  readonly cycle: CycleOfRun;
}

class PageRun {
  readonly #ports: SyncPorts;
  readonly #claims: StreamClaims;
  readonly #message: StartMessage;
  readonly #end: RunEnd;
  readonly #pages: PageWork;
  readonly #startedAtMs: number;
  /** The next page, read while the page before it is worked on. */
  #ahead: Promise<ReadPages> | undefined;

  constructor(ports: SyncPorts, claims: StreamClaims, message: StartMessage, end: RunEnd) {
    this.#ports = ports;
    this.#claims = claims;
    this.#message = message;
    this.#end = end;
    this.#pages = new PageWork(ports, claims);
    this.#startedAtMs = ports.clock.now();
  }

  async run(): Promise<void> {
    const { definition, stream, reason, cycleId } = this.#message;
    for (let lost = 0; lost < MAX_LOST; lost += 1) {
      // A tick comes often and may go by what this process remembers; any other message knows something newer.
      if (reason !== "timer") this.#claims.forget(definition, stream);
      const claim = await this.#claims.look(definition, stream);
      if (claim === undefined) {
        this.#ports.logger.warn("start-message.skipped", { definition, stream });
        return;
      }
      const decision = decideStart(this.#message, {
        checkpoint: claim.checkpoint,
        polledAtMs: claim.polledAtMs,
        owner: this.#ports.stamp.owner,
        nowMs: this.#ports.clock.now(),
      });
      switch (decision.kind) {
        case "nothing":
          return this.#end.markRequestDone();
        case "continue-instead":
          return this.#end.continueLater(claim, claim.checkpoint.cycleId ?? cycleId);
        case "leave":
          return this.#end.leave(decision.untilMs);
        case "run":
          if ((await this.#enumerate(claim)) === "ended") return;
      }
    }
    await this.#end.retryLost();
  }

  async #enumerate(looked: Claim): Promise<"ended" | "lost"> {
    const run = await this.#contextOf(looked);
    if (run === undefined) return "ended";
    this.#ahead = undefined;
    const claim = await this.#claims.acquire(looked);
    if (claim === undefined) return "lost";
    const cycle = await this.#cycleOf(claim);
    // An enumeration is already running, and it covers everything that this request asks for.
    if (cycle.cycleId !== this.#message.cycleId) await this.#end.markRequestDone();
    let position: Position = { claim, cycle };
    for (;;) {
      const step = await this.#runPage(run, position);
      if (typeof step === "string") return step;
      position = step;
    }
  }

  /** Undefined when the definition no longer asks for this stream. */
  async #contextOf({ checkpoint }: Claim): Promise<RunContext | undefined> {
    const { definition, stream } = this.#message;
    // A mapping change moves the checkpoint to an enumeration: there only the newest mapping will do.
    const fresh = checkpoint.phase === "enumerating";
    const record = await this.#ports.definitions.get(definition, { fresh });
    if (record === undefined || !record.value.definition.enabled) return undefined;
    const compiled = compileDefinition(record.value.definition);
    return compiled.streams.includes(stream)
      ? { compiled, stream, jobId: undefined, verify: false }
      : undefined;
  }

  async #cycleOf(claim: Claim): Promise<CycleOfRun> {
    const { phase, cycleId } = claim.checkpoint;
    const stored =
      phase === "settled" || cycleId === null
        ? undefined
        : await this.#ports.progress.cycle(this.#message.definition, cycleId);
    return cycleOfRun(this.#message, claim, stored?.value);
  }

  // ---- a page ----------------------------------------------------------------------------------------------------

  async #runPage(run: RunContext, { claim: before, cycle }: Position): Promise<RunStep> {
    const claim = await this.#claims.acquire(before);
    const version = claim?.versions[0];
    if (claim === undefined || version === undefined) return "lost";
    // The claim is new: what was read ahead is older than its versions.
    if (claim !== before) this.#ahead = undefined;
    const step = await this.#read(run.compiled, { claim, cycle }, version);
    switch (step.kind) {
      case "wait-for-source":
        return this.#waitForSource(claim, step.error);
      case "resync":
        return (await this.#resync({ claim, cycle })) ?? "lost";
      case "end-poll":
        await this.#end.endPoll(claim, step.read, step.deltaLink);
        return "ended";
      case "page":
        return this.#workPage(run, { claim, cycle }, version, step);
    }
  }

  async #read(
    compiled: CompiledDefinition,
    { claim, cycle }: Position,
    version: Version,
  ): Promise<AfterRead> {
    const reading = this.#ahead ?? this.#readFrom(compiled, claim.checkpoint.link);
    this.#ahead = undefined;
    const read = await orSourceError(reading);
    const step = afterRead(claim, version, cycle.cycleKind, read, this.#timeLeft());
    if (step.kind === "page" && step.readAhead !== null) {
      this.#ahead = this.#readFrom(compiled, step.readAhead);
      // Awaited when its turn comes; a page that is abandoned before that never awaits it.
      this.#ahead.catch(() => undefined);
    }
    return step;
  }

  async #workPage(
    run: RunContext,
    { claim, cycle }: Position,
    version: Version,
    step: Extract<AfterRead, { kind: "page" }>,
  ): Promise<RunStep> {
    const { generation, read, link, settled } = step;
    const { startedAtMs: polledAtMs } = read;
    const page = { ...run, ...cycle, claim, version, generation };
    const outcome = await orSourceError(this.#pages.send(page, read));
    if (outcome instanceof SourceError) return this.#waitForSource(claim, outcome);
    if (outcome === undefined) return "lost";
    const committed = await this.#pages.commit(page, outcome, { link, settled, polledAtMs });
    if (committed === undefined) return "lost";
    const next: Position = { claim: committed, cycle: { ...cycle, createCycle: false } };
    const then = afterCommit(step, this.#timeLeft());
    switch (then.kind) {
      case "ended":
        return "ended";
      case "sweep":
        return this.#sweep(run, next, { deltaLink: then.deltaLink, polledAtMs });
      case "wait-for-source":
        return this.#waitForSource(committed, then.error);
      case "continue-later":
        return this.#continueLater(next);
      case "next-page":
        return next;
    }
  }

  #timeLeft(): boolean {
    return this.#ports.clock.now() - this.#startedAtMs < AIM_MS;
  }

  #readFrom(compiled: CompiledDefinition, link: string | null): Promise<ReadPages> {
    const { stream } = this.#message;
    return readPages(this.#ports, stream, compiled.select[stream], link);
  }

  // ---- resync ----------------------------------------------------------------------------------------------------

  async #resync({ claim, cycle }: Position): Promise<Position | undefined> {
    const { definition, stream } = this.#message;
    const begun = await beginResync(this.#ports, this.#claims, claim, cycle);
    if (begun === undefined) return undefined;
    await this.#end.markRequestDone();
    const { cycleId } = begun.cycle;
    this.#ports.logger.warn("delta-token.expired", { definition, stream, cycleId });
    return begun;
  }

  async #sweep(
    run: RunContext,
    { claim, cycle }: Position,
    to: { readonly deltaLink: string; readonly polledAtMs: number },
  ): Promise<"ended" | "lost"> {
    const end = await sweep(claim, {
      ...to,
      ports: this.#ports,
      claims: this.#claims,
      pages: this.#pages,
      run,
      cycle,
      timeLeft: () => this.#timeLeft(),
    });
    if (end === "settled") return "ended";
    return end === "lost" ? "lost" : this.#continueLater({ claim: end, cycle });
  }

  // ---- ways to end -----------------------------------------------------------------------------------------------

  async #waitForSource(claim: Claim, error: SourceError): Promise<"ended"> {
    await this.#end.waitForSource(claim, error);
    return "ended";
  }

  async #continueLater({ claim, cycle }: Position): Promise<"ended"> {
    await this.#end.continueLater(claim, cycle.cycleId);
    return "ended";
  }
}

/** Where the next page starts, or how the run has ended. */
type RunStep = Position | "ended" | "lost";

async function orSourceError<T>(work: Promise<T>): Promise<T | SourceError> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof SourceError) return error;
    throw error;
  }
}
