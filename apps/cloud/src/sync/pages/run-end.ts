/**
 * The ways in which a page run ends: with nothing left to do, or with a message that asks for the rest.
 */
import {
  clip,
  cloudPoint,
  type CycleId,
  type StartMessage,
  startQueueName,
} from "@postern/contracts";
import { cycleDocumentId } from "../../cycles/cycle-document";
import type { OutgoingMessage } from "../../ports/message-bus";
import type { ServiceUnavailable } from "@postern/runtime";
import type { SourceError } from "../../ports/source";
import type { SyncPorts } from "../../ports/cloud-ports";
import type { Claim, StreamClaims } from "../streams/stream-claims";
import { continuationOf, repeatMessageId, startMessageOf } from "../streams/start-messages";
import { moveCheckpoint } from "./page-commit";
import type { ReadPages } from "./work-page-reader";

const LOST_RETRY_MS = 2_000;
const UNAVAILABLE_RETRY_MS = 5_000;
const DEFAULT_WAIT_MS = 10_000;
const REFUSED_WAIT_MS = 60_000;
const REFUSAL_CHARS = 300;
/** Delta links live for 7 days (facts: Graph delta): a quiet stream's is renewed far earlier. */
const LINK_REFRESH_MS = 3_600_000;

export class RunEnd {
  readonly #ports: SyncPorts;
  readonly #claims: StreamClaims;
  readonly #message: StartMessage;

  constructor(ports: SyncPorts, claims: StreamClaims, message: StartMessage) {
    this.#ports = ports;
    this.#claims = claims;
    this.#message = message;
  }

  /** A poll found nothing new. */
  async endPoll(claim: Claim, read: ReadPages, deltaLink: string): Promise<void> {
    const { polledAt } = claim.checkpoint;
    const polledAtMs = polledAt === null ? 0 : Date.parse(polledAt);
    if (read.startedAtMs - polledAtMs > LINK_REFRESH_MS) {
      await moveCheckpoint(this.#ports, this.#claims, claim, {
        link: deltaLink,
        polledAt: new Date(read.startedAtMs).toISOString(),
      });
    } else {
      this.#claims.notePoll(claim, read.startedAtMs);
    }
    await this.markRequestDone();
  }

  /** A requested cycle with nothing to do in this stream is over for it. */
  async markRequestDone(): Promise<void> {
    const { reason, definition, stream, cycleId } = this.#message;
    if (reason !== "request") return;
    await this.#ports.progress.transact(definition, [
      { kind: "patch", id: cycleDocumentId(cycleId), set: { [`/streams/${stream}`]: "done" } },
    ]);
  }

  async continueLater({ checkpoint }: Claim, cycleId: CycleId): Promise<void> {
    await this.#send(continuationOf(this.#ports, checkpoint, cycleId));
  }

  /** Another instance has the claim until then. */
  async leave(untilMs: number): Promise<void> {
    if (this.#message.reason === "timer") return;
    await this.#repeat(this.#message.reason, untilMs - this.#ports.clock.now());
  }

  async retryLost(): Promise<void> {
    await this.#repeat("retry", LOST_RETRY_MS);
  }

  /** A service that this run needs is unavailable: the run is repeated soon, unless the next tick does that anyway. */
  async retryLater(error: ServiceUnavailable): Promise<void> {
    const { definition, stream, reason } = this.#message;
    this.#ports.logger.warn("page-run.interrupted", {
      definition,
      stream,
      service: error.service,
      message: error.message,
    });
    if (reason === "timer") return;
    await this.#repeat("retry", error.retryAfterMs ?? UNAVAILABLE_RETRY_MS);
  }

  /** The source asks for time: the stream rests, whatever message asks for it meanwhile. */
  async waitForSource(claim: Claim, error: SourceError): Promise<void> {
    const { definition, stream } = this.#message;
    // Where nothing could have expired, "expired" is a refusal.
    const refused = error.failure === "refused" || error.failure === "expired";
    const waitMs = refused
      ? REFUSED_WAIT_MS
      : (error.retryAfterMs ?? Math.round(DEFAULT_WAIT_MS * (0.5 + this.#ports.random.next())));
    this.#ports.logger.warn("source.deferred", {
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
        ? { refusal: { since, message: clip(error.message, REFUSAL_CHARS) } }
        : {}),
    });
    const quiet = claim.checkpoint.phase === "settled" && this.#message.reason === "timer";
    if (!quiet) await this.#repeat("retry", waitMs);
  }

  async #repeat(reason: StartMessage["reason"], waitMs: number): Promise<void> {
    const { page: _page, ...rest } = this.#message;
    const atMs = this.#ports.clock.now() + Math.max(0, waitMs);
    const id = repeatMessageId(rest, "again", atMs, this.#ports.random);
    const body: StartMessage = {
      ...rest,
      // A request keeps its reason: its cycle ends only when the request has been served.
      reason: rest.reason === "request" ? "request" : reason,
      tick: new Date(atMs).toISOString(),
    };
    await this.#send(startMessageOf(this.#ports, id, body, atMs));
  }

  async #send(message: OutgoingMessage): Promise<void> {
    cloudPoint("before-continuation");
    await this.#ports.bus.send(startQueueName, [message]);
    cloudPoint("after-continuation");
  }
}
