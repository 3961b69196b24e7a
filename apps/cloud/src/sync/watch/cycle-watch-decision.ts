/**
 * What the watch decides about a cycle, from its stored documents alone.
 *
 *   open ──nothing moves──▶ marked ──▶ restarted, less and less often ──moves──▶ open ──every outcome final──▶ closed
 *
 * A cycle moves when it makes progress: a committed page for a stream that is being read, a counted result for
 * items at the target. A claim alone is not progress: a run that keeps dying on the same page takes many.
 */
import {
  type Checkpoint,
  clip,
  type Cycle,
  type CycleStall,
  limits,
  type StallReason,
  type StreamName,
  type TargetName,
} from "@postern/contracts";

const MINUTE_MS = 60_000;
/** A stream that is being read: so long after its last page and after its lease or rest has run out. */
export const readingIdleMs = 2 * MINUTE_MS;
/** A stream whose claim is renewed all the while: far above the four minutes that a function may take. */
export const noPageMs = 10 * MINUTE_MS;
/** Results: a unit takes seconds, a lock that was lost comes back within one minute, twice over five. */
export const resultsIdleMs = 5 * MINUTE_MS;
/** Where every item left waits for a retry: the agents' longest pause between two, with its jitter. */
export const retriesIdleMs = 72 * MINUTE_MS + resultsIdleMs;
/**
 * Far longer than a read may lag behind a write. What comes later (a page, a release, a replay) opens the cycle again.
 */
export const closeAfterMs = 5 * MINUTE_MS;
/** The longest time that a job may be given, and an hour that its start message may lie about. */
export const longestJobMs = 25 * 60 * MINUTE_MS;
const FIRST_PAUSE_MS = 2 * MINUTE_MS;
const LONGEST_PAUSE_MS = 10 * MINUTE_MS;

/** An agent of the definition's group that is online. */
export interface AgentSight {
  readonly id: string;
  readonly reaches: boolean;
  /** Why it does not reach the target, or null when it has no such target or none was given. */
  readonly reason: string | null;
}

export interface WatchedCycle {
  readonly cycle: Cycle;
  readonly enabled: boolean;
  readonly target: TargetName;
  readonly queue: string;
  /** Streams that the definition has now, and where they stand. */
  readonly checkpoints: ReadonlyMap<StreamName, Checkpoint>;
  /** When each stream committed its last page of this cycle. */
  readonly pagedAtMs: ReadonlyMap<StreamName, number>;
  /** When a page or a result of this cycle was last written; its beginning if none was. */
  readonly movedAtMs: number;
  readonly completed: boolean;
  readonly pending: number;
  /** Of the pending ones, and not both. */
  readonly retrying: number;
  readonly parked: number;
  readonly agents: readonly AgentSight[];
}

export type WatchDecision =
  | { readonly kind: "leave" }
  /** Something moves: remove the mark. */
  | { readonly kind: "clear" }
  /** Streams that the definition no longer has: they will not be read. */
  | { readonly kind: "drop-streams"; readonly streams: readonly StreamName[] }
  | { readonly kind: "close"; readonly closedAtMs: number }
  | {
      readonly kind: "mark";
      readonly stall: CycleStall;
      /** Streams to restart now. */
      readonly restart: readonly StreamRestart[];
    };

export interface StreamRestart {
  readonly stream: StreamName;
  /** The checkpoint to continue from, if it belongs to this cycle; null if the stream has not started in it. */
  readonly from: Checkpoint | null;
}

interface StreamStall {
  readonly stream: StreamName;
  readonly reason: StallReason;
  readonly sinceMs: number;
  /** Null while another run has the claim, or retries on its own. */
  readonly restart: StreamRestart | null;
  /** The source's answer to every try. */
  readonly refusal?: string | undefined;
}

/**
 * Nothing can come of a look at this cycle's history yet, whatever it holds: no moment in it is before the cycle's
 * beginning. Spares the store a request for every minute of the five until a cycle can be closed.
 */
export function isTooYoung(cycle: Cycle, nowMs: number): boolean {
  if (cycle.stall !== undefined && cycle.stall !== null) return false;
  const soonestMs =
    runningStreams(cycle).length > 0 ? readingIdleMs : Math.min(resultsIdleMs, closeAfterMs);
  return nowMs - Date.parse(cycle.startedAt) < soonestMs;
}

export function decideCycle(watched: WatchedCycle, nowMs: number): WatchDecision {
  const { cycle, checkpoints, completed, movedAtMs } = watched;
  if (completed) {
    if (nowMs - movedAtMs >= closeAfterMs) return { kind: "close", closedAtMs: movedAtMs };
    return unmarked(cycle);
  }
  const unread = runningStreams(cycle);
  const dropped = unread.filter((stream) => !checkpoints.has(stream));
  // Not immediately: the definition that has just added a stream may be newer than the copy known here.
  if (dropped.length > 0 && nowMs - Date.parse(cycle.startedAt) >= readingIdleMs)
    return { kind: "drop-streams", streams: dropped };
  if (unread.length === 0) return decideResults(watched, nowMs);
  // Its job has a deadline and looks after it. A follow-up has none.
  if (cycle.kind === "on-demand" && cycle.entities === undefined) {
    // Its job is over by now, whatever its result: these will not be read.
    if (nowMs - Date.parse(cycle.startedAt) >= longestJobMs)
      return { kind: "drop-streams", streams: unread };
    return unmarked(cycle);
  }
  const stalls = unread.flatMap((stream) => stallOf(watched, stream, nowMs) ?? []);
  if (stalls.length === 0) return unmarked(cycle);
  return decideReading(watched, stalls, nowMs);
}

function unmarked({ stall }: Cycle): WatchDecision {
  return stall === undefined || stall === null ? { kind: "leave" } : { kind: "clear" };
}

function runningStreams({ streams }: Cycle): StreamName[] {
  return (Object.keys(streams) as StreamName[]).filter((stream) => streams[stream] === "running");
}

// ---- reading -----------------------------------------------------------------------------------------------------

function stallOf(
  { cycle, checkpoints, pagedAtMs }: WatchedCycle,
  stream: StreamName,
  nowMs: number,
): StreamStall | undefined {
  const checkpoint = checkpoints.get(stream);
  if (checkpoint === undefined) return undefined;
  const ours = checkpoint.phase === "enumerating" && checkpoint.cycleId === cycle.cycleId;
  const { owner, leaseUntil, polledAt } = checkpoint;
  const sinceMs = Math.max(
    Date.parse(cycle.startedAt),
    pagedAtMs.get(stream) ?? 0,
    ours && polledAt !== null ? Date.parse(polledAt) : 0,
  );
  const refusal = ours ? (checkpoint.refusal ?? undefined) : undefined;
  // A run that was refused waits and asks again on its own: it is never idle for long.
  if (refusal !== undefined && nowMs - Math.max(sinceMs, Date.parse(refusal.since)) >= noPageMs) {
    const { message } = refusal;
    return { stream, reason: "source-refuses", sinceMs, restart: null, refusal: message };
  }
  const leaseUntilMs = leaseUntil === null ? 0 : Date.parse(leaseUntil);
  const held = leaseUntilMs > nowMs;
  const marked = cycle.stall?.streams.includes(stream) === true;
  const standsSinceMark = marked && sinceMs <= Date.parse(cycle.stall?.since ?? "");
  // Marked before: nothing has come of it yet. Otherwise idle, or busy with one page for too long.
  const stalled =
    standsSinceMark ||
    nowMs - Math.max(sinceMs, leaseUntilMs) >= readingIdleMs ||
    (ours && owner !== null && nowMs - sinceMs >= noPageMs);
  if (!stalled) return undefined;
  return {
    stream,
    reason: !ours ? "start-lost" : owner === null ? "continuation-lost" : "claim-stale",
    sinceMs,
    restart: held ? null : { stream, from: ours ? checkpoint : null },
  };
}

function decideReading(
  { cycle, enabled }: WatchedCycle,
  stalls: readonly StreamStall[],
  nowMs: number,
): WatchDecision {
  const [first] = stalls;
  if (first === undefined) return unmarked(cycle);
  const before = cycle.stall ?? undefined;
  const restarts = before?.restarts ?? 0;
  const restartedAtMs = before?.restartedAt ? Date.parse(before.restartedAt) : undefined;
  const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * Math.max(1, restarts));
  const due = restartedAtMs === undefined || nowMs - restartedAtMs >= pauseMs;
  const restart = enabled && due ? stalls.flatMap(({ restart: one }) => one ?? []) : [];
  const asked = restart.length > 0;
  const reason = enabled ? first.reason : "definition-disabled";
  const sinceMs = Math.min(...stalls.map((stall) => stall.sinceMs));
  const stall: CycleStall = {
    reason,
    since: new Date(sinceMs).toISOString(),
    noticedAt: before?.noticedAt ?? new Date(nowMs).toISOString(),
    streams: stalls.map(({ stream }) => stream),
    action: !enabled || reason === "source-refuses" ? "none" : "restarted",
    restarts: restarts + (asked ? 1 : 0),
    restartedAt: asked ? new Date(nowMs).toISOString() : (before?.restartedAt ?? null),
    waitsFor: null,
    detail: stalls.map((each) => readingText(each, enabled)).join(" "),
  };
  return changed(cycle, stall) || asked ? { kind: "mark", stall, restart } : { kind: "leave" };
}

function readingText({ stream, reason, restart, refusal }: StreamStall, enabled: boolean): string {
  if (!enabled) {
    return `Stream '${stream}' has not been read to its end: the sync definition is disabled. Enable it to continue.`;
  }
  const page = restart?.from ? ` page ${restart.from.page + 1}` : "";
  switch (reason) {
    case "source-refuses":
      return `Microsoft Graph refuses stream '${stream}': ${refusal ?? "no reason given"}. Grant the app the missing permission, or correct the sync definition; the read is retried every minute.`;
    case "start-lost":
      return `Stream '${stream}' has not been started for this cycle; restarting it.`;
    case "claim-stale":
      return restart === null
        ? `Stream '${stream}' is claimed repeatedly but commits no page: see the log of its page runs.`
        : `The run that read stream '${stream}' ended without committing${page}; restarting it from the checkpoint.`;
    default:
      return `Stream '${stream}' is no longer being read; restarting it from the checkpoint${page === "" ? "" : `,${page}`}.`;
  }
}

// ---- results -----------------------------------------------------------------------------------------------------

function decideResults(watched: WatchedCycle, nowMs: number): WatchDecision {
  const { cycle, movedAtMs, pending, retrying, parked, agents, target, queue } = watched;
  const idleMs = retrying >= pending ? retriesIdleMs : resultsIdleMs;
  if (nowMs - movedAtMs < idleMs) return unmarked(cycle);
  const reaching = agents.filter(({ reaches }) => reaches);
  const before = cycle.stall?.reason === "results-missing" ? cycle.stall : undefined;
  const stall: CycleStall = {
    reason: "results-missing",
    since: new Date(movedAtMs).toISOString(),
    noticedAt: before?.noticedAt ?? new Date(nowMs).toISOString(),
    streams: [],
    action: "waiting",
    restarts: 0,
    restartedAt: null,
    waitsFor: {
      items: pending,
      retrying,
      parked,
      target,
      queue,
      agentsOnline: agents.length,
      agentsReaching: reaching.length,
    },
    detail: `${countText(watched)} ${agentsText(watched)}`,
  };
  return changed(cycle, stall) ? { kind: "mark", stall, restart: [] } : { kind: "leave" };
}

function countText({ pending, retrying, parked, queue }: WatchedCycle): string {
  const items = pending === 1 ? "1 item" : `${pending} items`;
  const waits = [
    ...(retrying === 0 ? [] : [`${retrying} wait for a retry`]),
    ...(parked === 0 ? [] : [`${parked} are parked until an agent can read them`]),
  ].join(" and ");
  const text = `${items} sent to queue '${queue}' ${pending === 1 ? "has" : "have"} no outcome yet`;
  return waits === "" ? `${text}.` : `${text}, of which ${waits}.`;
}

/** Agents named in a text; there may be many. */
const NAMED = 3;

function agentsText({ agents, target }: WatchedCycle): string {
  const reaching = agents.filter(({ reaches }) => reaches);
  if (agents.length === 0) return "No agent of the group is online: start one.";
  if (reaching.length > 0) {
    const names = reaching.slice(0, NAMED).map(({ id }) => id);
    return `Target '${target}' can be reached by ${names.join(", ")}${reaching.length > NAMED ? " and others" : ""}: see their logs.`;
  }
  const why = agents
    .slice(0, NAMED)
    .map(
      ({ id, reason }) =>
        `${id}: ${clip(reason ?? "has no such target", limits.loggedReasonChars)}`,
    );
  return `No online agent can reach target '${target}' (${why.join("; ")}).`;
}

function changed({ stall: before }: Cycle, stall: CycleStall): boolean {
  return JSON.stringify(ordered(before)) !== JSON.stringify(ordered(stall));
}

/** The store may give the fields back in another order. */
function ordered(stall: CycleStall | null | undefined): unknown {
  if (stall === null || stall === undefined) return null;
  const { waitsFor, ...rest } = stall;
  const sorted = (value: object): unknown =>
    Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return [sorted(rest), waitsFor === null ? null : sorted(waitsFor)];
}
