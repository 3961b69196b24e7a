/**
 * The decisions of a page run, as pure steps: what follows from what was read, and what follows from a commit. The
 * runner is in page-run.
 */
import type { Cycle, CycleKind, StartMessage, Version } from "@postern/contracts";
import { SourceError } from "../../ports/source";
import type { Claim } from "../streams/stream-claims";
import type { CycleOfRun } from "./page-context";
import type { ReadPages } from "./work-page-reader";

export type AfterRead =
  /** The source refuses or asks for time. */
  | { readonly kind: "wait-for-source"; readonly error: SourceError }
  /** The delta token has expired: a resync begins. */
  | { readonly kind: "resync" }
  /** A poll that found nothing. */
  | { readonly kind: "end-poll"; readonly read: ReadPages; readonly deltaLink: string }
  /** A page to index, enqueue and commit. */
  | {
      readonly kind: "page";
      readonly read: ReadPages;
      readonly generation: number;
      /** Link to read from while this page is worked on; null: nothing is read ahead. */
      readonly readAhead: string | null;
      /** Where the checkpoint goes with the commit. */
      readonly link: string | null;
      readonly settled: boolean;
    };

export function afterRead(
  { checkpoint, versions }: Pick<Claim, "checkpoint" | "versions">,
  version: Version,
  cycleKind: CycleKind,
  read: ReadPages | SourceError,
  timeLeft: boolean,
): AfterRead {
  if (read instanceof SourceError) {
    // At the beginning nothing can have expired, so a resync would start over forever.
    return read.failure === "expired" && checkpoint.link !== null
      ? { kind: "resync" }
      : { kind: "wait-for-source", error: read };
  }
  const { deltaLink, nextLink } = read;
  const isEmpty = read.changes.length === 0 && read.unreadable.length === 0;
  if (checkpoint.phase === "settled" && isEmpty && deltaLink !== null) {
    return { kind: "end-poll", read, deltaLink };
  }
  const more = nextLink !== null && read.failure === undefined && timeLeft;
  const resync = cycleKind === "resync";
  return {
    kind: "page",
    read,
    // An enumeration is as new as its first page. One that was abandoned and begins again from nothing must not be
    // taken for this one: what it alone has seen may be gone by now.
    generation: checkpoint.link === null ? version : checkpoint.generation,
    // Under the claim, and under a version that is in hand already.
    readAhead: more && versions.length > 1 ? nextLink : null,
    // A resync stays where it is until what it left behind has been swept: then it may settle.
    link: deltaLink !== null && resync ? checkpoint.link : (deltaLink ?? nextLink),
    settled: deltaLink !== null && !resync,
  };
}

export type AfterCommit =
  | { readonly kind: "ended" }
  /** A resync has been read to its end: what it has not shown is swept. */
  | { readonly kind: "sweep"; readonly deltaLink: string }
  | { readonly kind: "wait-for-source"; readonly error: SourceError }
  /** Time is up: a continuation asks for the rest. */
  | { readonly kind: "continue-later" }
  | { readonly kind: "next-page" };

export function afterCommit(
  { read, settled }: Pick<Extract<AfterRead, { kind: "page" }>, "read" | "settled">,
  timeLeft: boolean,
): AfterCommit {
  if (settled) return { kind: "ended" };
  if (read.deltaLink !== null) return { kind: "sweep", deltaLink: read.deltaLink };
  if (read.failure !== undefined) return { kind: "wait-for-source", error: read.failure };
  return timeLeft ? { kind: "next-page" } : { kind: "continue-later" };
}

/**
 * The cycle that pages of a run belong to; `stored` is the one that the checkpoint names. An enumeration whose cycle no
 * longer exists (history is kept for 30 days: a definition can be disabled for longer) continues as a resync, in a new
 * document: only the sweep at its end is sure to find what is gone, and where nothing is gone, it finds nothing.
 */
export function cycleOfRun(
  message: Pick<StartMessage, "cycleId" | "reason">,
  { checkpoint }: Pick<Claim, "checkpoint">,
  stored: Pick<Cycle, "kind"> | undefined,
): CycleOfRun {
  if (checkpoint.phase === "settled" || checkpoint.cycleId === null) {
    return {
      cycleId: message.cycleId,
      cycleKind: "incremental",
      createCycle: message.reason !== "request",
    };
  }
  return {
    cycleId: checkpoint.cycleId,
    cycleKind: stored?.kind ?? "resync",
    createCycle: stored === undefined,
  };
}
