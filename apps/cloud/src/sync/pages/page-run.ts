import {
  cloudPoint,
  type CycleId,
  startQueueName,
  type StartMessage,
  startSession,
} from "@postern/contracts";
import { cycleDocumentId } from "../../cycles/cycle-document";
import { compileDefinition, type CompiledDefinition } from "../mapping/compiled-definition";
import { moveCheckpoint } from "./page-commit";
import type { PageOutcome } from "./page-enqueue";
import { type CycleOfRun, PageWork } from "./page-work";
import { ServiceUnavailable } from "@postern/runtime";
import { SourceError } from "../../ports/source";
import type { SyncPorts } from "../../ports/cloud-ports";
import { decideStart } from "../streams/start-decision";
import { continuationOf, startMessageOf } from "../streams/start-messages";
import { beginResync } from "./resync";
import type { Claim, StreamClaims } from "../streams/stream-claims";
import { sweep, type SweepOptions } from "./sweep";
import { readPages, type ReadPages } from "./work-page-reader";

/**
 * One run of one stream, from a start message to its completion.
 *
 *   look → decide → claim → read → index → enqueue → commit → (next page …) → continuation
 *
 * Called by the queue trigger of `sync-start`, one message of a stream at a time (its session). Pages are run until the
 * delta link, or until 60 s have passed: then a continuation asks for the rest. Whatever goes wrong on the way ends the
 * run; what it has not committed is done again under a new version. It never sleeps: who has to wait is asked for again
 * by a scheduled message. It never completes the message: returning does.
 */
const AIM_MS = 60_000;
/** A page that lost its claim is tried again at once this often; after that others get their turn first. */
const MAX_LOST = 3;
const LOST_RETRY_MS = 2_000;
const UNAVAILABLE_RETRY_MS = 5_000;
const DEFAULT_WAIT_MS = 10_000;
const REFUSED_WAIT_MS = 60_000;
const REFUSAL_CHARS = 300;
/** Delta links live for 7 days (facts: Graph delta): a quiet stream's is renewed far earlier. */
const LINK_REFRESH_MS = 3_600_000;

export interface PageRunOptions {
  readonly ports: SyncPorts;
  readonly claims: StreamClaims;
}

export async function runPages(
  { ports, claims }: PageRunOptions,
  message: StartMessage,
): Promise<void> {
  const run = new PageRun(ports, claims, message);
  try {
    await run.run();
  } catch (error) {
    claims.forget(message.definition, message.stream);
    if (error instanceof ServiceUnavailable) await run.retryLater(error);
    else throw error;
  }
}

class PageRun {
  readonly #ports: SyncPorts;
  readonly #claims: StreamClaims;
  readonly #message: StartMessage;
  readonly #pages: PageWork;
  readonly #startedAtMs: number;

  constructor(ports: SyncPorts, claims: StreamClaims, message: StartMessage) {
    this.#ports = ports;
    this.#claims = claims;
    this.#message = message;
    this.#pages = new PageWork(ports, claims, message);
    this.#startedAtMs = ports.clock.now();
  }

  async run(): Promise<void> {
    const { definition, stream } = this.#message;
    for (let lost = 0; lost < MAX_LOST; lost += 1) {
      // A tick comes often and may go by what this process remembers; any other message knows something newer.
      if (this.#message.reason !== "timer") this.#claims.forget(definition, stream);
      const claim = await this.#claims.look(definition, stream);
      if (claim === undefined) {
        this.#ports.logger.warn("start-without-checkpoint", { definition, stream });
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
          return this.#markRequestDone();
        case "continue-instead": {
          const { checkpoint } = claim;
          await this.#send(continuationOf(this.#ports, checkpoint, this.#cycleIdOf(claim)));
          return;
        }
        case "leave":
          return this.#leave(decision.untilMs);
        case "run":
          if ((await this.#enumerate(claim)) === "ended") return;
      }
    }
    await this.#askAgain("retry", LOST_RETRY_MS);
  }

  /** A service that this run needs does not answer: asked for again soon, unless the next tick does that anyway. */
  async retryLater(error: ServiceUnavailable): Promise<void> {
    const { definition, stream, reason } = this.#message;
    this.#ports.logger.warn("page-run-interrupted", {
      definition,
      stream,
      service: error.service,
      message: error.message,
    });
    if (reason === "timer") return;
    await this.#askAgain("retry", error.retryAfterMs ?? UNAVAILABLE_RETRY_MS);
  }

  // ---- the loop --------------------------------------------------------------------------------------------------

  async #enumerate(looked: Claim): Promise<"ended" | "lost"> {
    const { definition: id, stream } = this.#message;
    // A mapping change moves the checkpoint to an enumeration: there only the newest mapping will do.
    const fresh = looked.checkpoint.phase === "enumerating";
    const record = await this.#ports.definitions.get(id, { fresh });
    if (record === undefined || !record.value.definition.enabled) return "ended";
    const compiled = compileDefinition(record.value.definition);
    if (!compiled.streams.includes(stream)) return "ended";

    const firstClaim = await this.#claims.hold(looked);
    if (firstClaim === undefined) return "lost";
    let claim: Claim = firstClaim;
    let cycle = await this.#cycleOf(claim);
    if (this.#message.onDemand === undefined && cycle.cycleId !== this.#message.cycleId) {
      // An enumeration is under way already: it shows all that this request asks for.
      await this.#markRequestDone();
    }
    let ahead: Promise<ReadPages> | undefined;
    for (;;) {
      const held = await this.#claims.hold(claim);
      if (held === undefined) return "lost";
      // Claimed anew: what was read ahead is older than the versions now in hand.
      if (held !== claim) ahead = undefined;
      claim = held;
      const { checkpoint } = claim;
      const [version] = claim.versions;
      if (version === undefined) return "lost";

      let read: ReadPages;
      try {
        read = await (ahead ?? this.#read(compiled, checkpoint.link));
      } catch (error) {
        if (!(error instanceof SourceError)) throw error;
        // From the beginning there is nothing that could have expired: it would begin anew without end.
        if (error.failure !== "expired" || claim.checkpoint.link === null)
          return this.#waitForSource(claim, error);
        const restarted = await this.#restart(claim, cycle);
        if (restarted === undefined) return "lost";
        ({ claim, cycle } = restarted);
        ahead = undefined;
        continue;
      }
      ahead = undefined;
      if (checkpoint.phase === "settled" && read.changes.length === 0 && read.deltaLink !== null) {
        return this.#endPoll(claim, read, read.deltaLink);
      }
      // Under the claim, and under a version that is in hand already.
      if (read.nextLink !== null && read.failure === undefined && this.#timeLeft()) {
        if (claim.versions.length > 1) ahead = this.#readAhead(compiled, read.nextLink);
      }

      // An enumeration is as new as its first page. One that was abandoned and begins again from nothing must not be taken
      // for this one: what it alone has seen may be gone by now.
      const generation = checkpoint.link === null ? version : checkpoint.generation;
      const page = { version, generation, cycle };
      let result: PageOutcome | undefined;
      try {
        result = await this.#pages.work(compiled, page, read.changes);
      } catch (error) {
        if (error instanceof SourceError) return this.#waitForSource(claim, error);
        throw error;
      }
      if (result === undefined) return "lost";
      const resync = cycle.kind === "resync";
      const settled = read.deltaLink !== null && !resync;
      const committed = await this.#pages.commit(claim, page, result, {
        // A resync stays where it is until what it left behind has been swept: then it may settle.
        link:
          read.deltaLink !== null && resync ? checkpoint.link : (read.deltaLink ?? read.nextLink),
        settled,
        polledAtMs: read.startedAtMs,
      });
      if (committed === undefined) return "lost";
      claim = committed;
      cycle = { ...cycle, create: false };
      if (settled) return "ended";
      if (read.deltaLink !== null) {
        const { deltaLink, startedAtMs: polledAtMs } = read;
        return this.#sweep(claim, { compiled, cycle, deltaLink, polledAtMs });
      }
      if (read.failure !== undefined) return this.#waitForSource(claim, read.failure);
      if (!this.#timeLeft()) return this.#continueLater(claim, cycle);
    }
  }

  #timeLeft(): boolean {
    return this.#ports.clock.now() - this.#startedAtMs < AIM_MS;
  }

  #read(compiled: CompiledDefinition, link: string | null): Promise<ReadPages> {
    const { stream } = this.#message;
    return readPages(this.#ports, stream, compiled.select[stream], link);
  }

  #readAhead(compiled: CompiledDefinition, link: string): Promise<ReadPages> {
    const reading = this.#read(compiled, link);
    // Looked at when its turn comes; a page abandoned before that leaves it unlooked at.
    reading.catch(() => undefined);
    return reading;
  }

  /**
   * Which cycle pages of this run belong to. An enumeration whose cycle is not there any more (history is kept for 30 days:
   * a definition can be disabled for longer) gets it anew as a resync: only the sweep at its end is sure to find what is gone,
   * and where nothing is, it finds nothing.
   */
  async #cycleOf(claim: Claim): Promise<CycleOfRun> {
    const { checkpoint } = claim;
    const { definition, cycleId, reason } = this.#message;
    if (checkpoint.phase === "settled" || checkpoint.cycleId === null) {
      return { cycleId, kind: "incremental", create: reason !== "request" };
    }
    const stored = await this.#ports.progress.cycle(definition, checkpoint.cycleId);
    return {
      cycleId: checkpoint.cycleId,
      kind: stored?.value.kind ?? "resync",
      create: stored === undefined,
    };
  }

  #cycleIdOf(claim: Claim): CycleId {
    return claim.checkpoint.cycleId ?? this.#message.cycleId;
  }

  // ---- resync ----------------------------------------------------------------------------------------------------

  async #restart(
    claim: Claim,
    cycle: CycleOfRun,
  ): Promise<{ claim: Claim; cycle: CycleOfRun } | undefined> {
    const { definition, stream } = this.#message;
    const restarted = await beginResync(this.#ports, this.#claims, claim, cycle);
    if (restarted === undefined) return undefined;
    await this.#markRequestDone();
    const { cycleId } = restarted.cycle;
    this.#ports.logger.warn("delta-expired", { definition, stream, cycleId });
    return restarted;
  }

  async #sweep(
    claim: Claim,
    what: Pick<SweepOptions, "compiled" | "cycle" | "deltaLink" | "polledAtMs">,
  ): Promise<"ended" | "lost"> {
    const end = await sweep(claim, {
      ...what,
      ports: this.#ports,
      claims: this.#claims,
      pages: this.#pages,
      message: this.#message,
      timeLeft: () => this.#timeLeft(),
    });
    if (end === "settled") return "ended";
    return end === "lost" ? "lost" : this.#continueLater(end, what.cycle);
  }

  // ---- ways to end -----------------------------------------------------------------------------------------------

  async #endPoll(claim: Claim, read: ReadPages, deltaLink: string): Promise<"ended"> {
    const { checkpoint } = claim;
    const polledAtMs = checkpoint.polledAt === null ? 0 : Date.parse(checkpoint.polledAt);
    if (read.startedAtMs - polledAtMs > LINK_REFRESH_MS) {
      await moveCheckpoint(this.#ports, this.#claims, claim, {
        link: deltaLink,
        polledAt: new Date(read.startedAtMs).toISOString(),
      });
    } else {
      this.#claims.notePoll(claim, read.startedAtMs);
    }
    await this.#markRequestDone();
    return "ended";
  }

  async #continueLater(claim: Claim, cycle: CycleOfRun): Promise<"ended"> {
    await this.#send(continuationOf(this.#ports, claim.checkpoint, cycle.cycleId));
    return "ended";
  }

  async #leave(untilMs: number): Promise<void> {
    if (this.#message.reason === "timer") return;
    await this.#askAgain(this.#message.reason, untilMs - this.#ports.clock.now());
  }

  /** The source asks for time: the stream rests, whoever asks meanwhile. */
  async #waitForSource(claim: Claim, error: SourceError): Promise<"ended"> {
    const { definition, stream } = this.#message;
    // That something has expired is a refusal where there is nothing that could have.
    const refused = error.failure === "refused" || error.failure === "expired";
    const waitMs = refused
      ? REFUSED_WAIT_MS
      : (error.retryAfterMs ?? Math.round(DEFAULT_WAIT_MS * (0.5 + this.#ports.random.next())));
    this.#ports.logger.warn("source-waits", {
      definition,
      stream,
      failure: error.failure,
      waitMs,
      message: error.message,
    });
    const nowMs = this.#ports.clock.now();
    const since = claim.checkpoint.refusal?.since ?? new Date(nowMs).toISOString();
    await moveCheckpoint(this.#ports, this.#claims, claim, {
      owner: null,
      leaseUntil: new Date(nowMs + waitMs).toISOString(),
      ...(refused && claim.checkpoint.phase === "enumerating"
        ? { refusal: { since, message: error.message.slice(0, REFUSAL_CHARS) } }
        : {}),
    });
    const quiet = claim.checkpoint.phase === "settled" && this.#message.reason === "timer";
    if (!quiet) await this.#askAgain("retry", waitMs);
    return "ended";
  }

  async #askAgain(reason: StartMessage["reason"], waitMs: number): Promise<void> {
    const { definition, stream, page: _page, ...rest } = this.#message;
    const atMs = this.#ports.clock.now() + Math.max(0, waitMs);
    const id = `${startSession(definition, stream)}/again-${Math.ceil(atMs)}-${this.#ports.random.uuid().slice(0, 8)}`;
    // A request keeps its reason: its cycle ends only when it has been seen to.
    const kept = rest.reason === "request" ? "request" : reason;
    await this.#send(
      startMessageOf(
        this.#ports,
        id,
        {
          ...rest,
          definition,
          stream,
          reason: kept,
          tick: new Date(atMs).toISOString(),
        },
        atMs,
      ),
    );
  }

  /** A requested cycle with nothing to do in this stream is over for it. */
  async #markRequestDone(): Promise<void> {
    const { reason, definition, stream, cycleId } = this.#message;
    if (reason !== "request") return;
    await this.#ports.progress.transact(definition, [
      { kind: "patch", id: cycleDocumentId(cycleId), set: { [`/streams/${stream}`]: "done" } },
    ]);
  }

  async #send(message: Parameters<SyncPorts["bus"]["send"]>[1][number]): Promise<void> {
    cloudPoint("before-continuation");
    await this.#ports.bus.send(startQueueName, [message]);
    cloudPoint("after-continuation");
  }
}
