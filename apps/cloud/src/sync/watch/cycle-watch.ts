/**
 * Looks after cycles in which nothing moves: marks them for people, asks again for what stands, removes the mark when
 * they move, and closes what is complete, so that it is not looked at again. Called by a timer; safe to run in several
 * instances at the same time, since a mark is written under the cycle's etag and the messages it sends have ids made
 * from the mark.
 *
 * It sends no work item a second time and gives none an outcome: what is at a target is the agents' to report.
 */
import {
  type Checkpoint,
  clip,
  type Cycle,
  type CycleId,
  type CycleStall,
  type DefinitionId,
  type GroupName,
  limits,
  startQueueName,
  startSession,
  type StreamName,
  type SyncDefinition,
} from "@postern/contracts";
import { cycleDocumentId } from "../../cycles/cycle-document";
import { compileDefinition } from "../mapping/compiled-definition";
import { progressOf } from "../../cycles/cycle-views";
import {
  type AgentSight,
  decideCycle,
  isTooYoung,
  type StreamRestart,
  type WatchDecision,
  type WatchedCycle,
} from "./cycle-watch-decision";
import { followUpAsked } from "../streams/follow-up";
import type { AgentStore } from "../../agents/agent-ports";
import { onlineAgents } from "../../agents/online-agents";
import type { OutgoingMessage } from "../../ports/message-bus";
import type { ProgressOperation, Stored } from "../../ports/stores";
import type { SyncPorts } from "../../ports/cloud-ports";
import { startMessageOf } from "../streams/start-messages";
import { workQueueOf } from "../../work/work-messages";

export interface CycleWatchPorts extends SyncPorts {
  readonly agents: Pick<AgentStore, "list">;
}

/** Open cycles read in one go, with their page records and markers, and closed in one: a transaction takes no more. */
const CYCLES_AT_ONCE = 100;
/** Of one definition at one time: a change every second, and no agent there for hours. */
const CYCLES_WATCHED = 10_000;

/** Returns how many streams were restarted. */
export async function watchCycles(ports: CycleWatchPorts): Promise<number> {
  const agents = new Map<GroupName, Promise<readonly AgentSightSource[]>>();
  const agentsOf = (group: GroupName): Promise<readonly AgentSightSource[]> => {
    const asked = agents.get(group) ?? onlineAgents(ports, group);
    agents.set(group, asked);
    return asked;
  };
  let restarted = 0;
  for (const { value } of await ports.definitions.list({ fresh: true })) {
    restarted += await watchDefinition(ports, value.definition, agentsOf);
  }
  return restarted;
}

type AgentSightSource = Awaited<ReturnType<typeof onlineAgents>>[number];

async function watchDefinition(
  ports: CycleWatchPorts,
  definition: SyncDefinition,
  agentsOf: (group: GroupName) => Promise<readonly AgentSightSource[]>,
): Promise<number> {
  const { id } = definition;
  const checkpoints = await checkpointsOf(ports, definition);
  const context = { definition, checkpoints, agentsOf };
  const reading = await cyclesOfStreams(ports, id, checkpoints);
  const seen = new Set(reading.map(({ value }) => value.cycleId));
  let restarted = await watchSome(ports, context, reading);
  let after: CycleId | undefined;
  for (let watched = 0; watched < CYCLES_WATCHED; watched += CYCLES_AT_ONCE) {
    const open = await ports.progress.openCycles(id, { limit: CYCLES_AT_ONCE, after });
    const unseen = open.filter(({ value }) => !seen.has(value.cycleId));
    restarted += await watchSome(ports, context, unseen);
    if (open.length < CYCLES_AT_ONCE) return restarted;
    after = open.at(-1)?.value.cycleId;
  }
  ports.logger.warn("cycle-watch.truncated", { definition: id, watched: CYCLES_WATCHED, after });
  return restarted;
}

interface WatchContext {
  readonly definition: SyncDefinition;
  readonly checkpoints: ReadonlyMap<StreamName, Checkpoint>;
  readonly agentsOf: (group: GroupName) => Promise<readonly AgentSightSource[]>;
}

async function watchSome(
  ports: CycleWatchPorts,
  { definition, checkpoints, agentsOf }: WatchContext,
  candidates: readonly Stored<Cycle>[],
): Promise<number> {
  const { id, group, target } = definition;
  const nowMs = ports.clock.now();
  const open = candidates.filter(({ value }) => !isTooYoung(value, nowMs));
  if (open.length === 0) return 0;
  const { pages, markers } = await ports.progress.history(
    id,
    open.map(({ value }) => value.cycleId),
  );
  const pagesOf = Map.groupBy(pages, ({ cycleId }) => cycleId);
  const markersOf = Map.groupBy(markers, ({ cycleId }) => cycleId);
  let restarted = 0;
  const closing: ProgressOperation[] = [];
  for (const stored of open) {
    const { cycleId } = stored.value;
    const ofCycle = pagesOf.get(cycleId) ?? [];
    const progress = progressOf(stored.value, ofCycle, markersOf.get(cycleId) ?? []);
    const pagedAtMs = new Map<StreamName, number>();
    for (const { stream, committedAt } of ofCycle) {
      pagedAtMs.set(stream, Math.max(pagedAtMs.get(stream) ?? 0, Date.parse(committedAt)));
    }
    const waits = progress.readToEnd && progress.pending > 0;
    const watched: WatchedCycle = {
      cycle: stored.value,
      enabled: definition.enabled,
      target,
      queue: workQueueOf(definition),
      checkpoints,
      pagedAtMs,
      movedAtMs: progress.movedAtMs,
      completed: progress.completed,
      pending: progress.pending,
      retrying: progress.retrying,
      parked: progress.parked,
      agents: waits ? (await agentsOf(group)).map((agent) => sightOf(agent, target)) : [],
    };
    const decision = decideCycle(watched, ports.clock.now());
    if (decision.kind === "close") {
      const closedAt = new Date(decision.closedAtMs).toISOString();
      closing.push(patchOf(stored, { "/closedAt": closedAt, "/stall": null }));
    } else restarted += await act(ports, stored, decision);
  }
  await close(ports, id, closing);
  return restarted;
}

async function checkpointsOf(
  ports: CycleWatchPorts,
  definition: SyncDefinition,
): Promise<Map<StreamName, Checkpoint>> {
  const found = new Map<StreamName, Checkpoint>();
  for (const stream of compileDefinition(definition).streams) {
    const stored = await ports.progress.checkpoint(definition.id, stream);
    if (stored !== undefined) found.set(stream, stored.value);
  }
  return found;
}

/** Those that streams are being read for: first, and also where they were closed too early. */
async function cyclesOfStreams(
  ports: CycleWatchPorts,
  definition: DefinitionId,
  checkpoints: ReadonlyMap<StreamName, Checkpoint>,
): Promise<Stored<Cycle>[]> {
  const found = new Map<CycleId, Stored<Cycle>>();
  for (const { phase, cycleId } of checkpoints.values()) {
    if (phase !== "enumerating" || cycleId === null || found.has(cycleId)) continue;
    const stored = await ports.progress.cycle(definition, cycleId);
    if (stored !== undefined) found.set(cycleId, stored);
  }
  return [...found.values()];
}

function sightOf({ id, targets }: AgentSightSource, target: string): AgentSight {
  const health = targets.find(({ name }) => name === target);
  return {
    id,
    reaches: health?.state === "reachable",
    reason: health === undefined ? null : (health.reason ?? health.state),
  };
}

// ---- effects -----------------------------------------------------------------------------------------------------

async function act(
  ports: CycleWatchPorts,
  stored: Stored<Cycle>,
  decision: Exclude<WatchDecision, { readonly kind: "close" }>,
): Promise<number> {
  const { definition, cycleId, stall: before } = stored.value;
  const { logger } = ports;
  switch (decision.kind) {
    case "leave":
      return 0;
    case "clear":
      if (await patch(ports, stored, { "/stall": null })) {
        const { reason, since, restarts } = before ?? {};
        logger.info("cycle.resumed", { definition, cycleId, reason, since, restarts });
      }
      return 0;
    case "drop-streams": {
      const { streams } = decision;
      const ended = streams.map((stream) => [`/streams/${stream}`, "done"] as const);
      if (await patch(ports, stored, Object.fromEntries(ended))) {
        logger.info("cycle-streams.dropped", { definition, cycleId, streams });
      }
      return 0;
    }
    case "mark": {
      const { stall, restart } = decision;
      // A faster instance has seen the same, or something newer.
      if (
        !(await patch(ports, stored, { "/stall": stall })) &&
        !(await isOurs(ports, stored, stall))
      )
        return 0;
      if (before === undefined || before === null || before.reason !== stall.reason) {
        logger.warn("cycle.stalled", { definition, cycleId, ...stall });
      }
      if (restart.length === 0) return 0;
      await ports.bus.send(
        startQueueName,
        restart.map((one) => restartMessage(ports, stored.value, one, stall)),
      );
      logger.info("cycle.restarted", {
        definition,
        cycleId,
        streams: restart.map(({ stream }) => stream),
        restarts: stall.restarts,
      });
      return restart.length;
    }
  }
}

/** All in one request, since single changes make a cycle each; one by one when some cycle has moved meanwhile. */
async function close(
  { progress }: Pick<SyncPorts, "progress">,
  definition: DefinitionId,
  patches: readonly ProgressOperation[],
): Promise<void> {
  if (patches.length === 0) return;
  const together = await progress.transact(definition, patches);
  if (together.ok || patches.length === 1) return;
  for (const one of patches) await progress.transact(definition, [one]);
}

function patchOf(
  { value: { cycleId }, etag }: Stored<Cycle>,
  set: Readonly<Record<string, unknown>>,
): ProgressOperation {
  return { kind: "patch", id: cycleDocumentId(cycleId), etag, set };
}

async function patch(
  { progress }: Pick<SyncPorts, "progress">,
  stored: Stored<Cycle>,
  set: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  return (await progress.transact(stored.value.definition, [patchOf(stored, set)])).ok;
}

/** If a write's response is lost, the SDK retries it and conflicts with its own first attempt. */
async function isOurs(
  ports: Pick<SyncPorts, "progress">,
  { value: { definition, cycleId } }: Stored<Cycle>,
  { noticedAt, restartedAt }: CycleStall,
): Promise<boolean> {
  const now = (await ports.progress.cycle(definition, cycleId))?.value.stall;
  return now?.noticedAt === noticedAt && now.restartedAt === restartedAt;
}

/**
 * From since when it stands and how often it was asked for: the same from every instance that saw the same mark, and
 * never one that the broker has seen before, which it would drop for a repetition.
 */
function restartMessage(
  ports: CycleWatchPorts,
  cycle: Cycle,
  { stream, from }: StreamRestart,
  { since, restarts }: Pick<CycleStall, "since" | "restarts">,
): OutgoingMessage {
  const { definition, cycleId, startedAt } = cycle;
  const what =
    from === null ? clip(cycleId, limits.nameChars) : `page-${from.page}#${from.version}`;
  const id = `${startSession(definition, stream)}/${what}-again-${Date.parse(since)}-${restarts}`;
  const asked = { definition, stream, cycleId };
  const now = new Date(ports.clock.now()).toISOString();
  if (from !== null) {
    const body = { ...asked, tick: now, reason: "watchdog", page: from.page } as const;
    return startMessageOf(ports, id, body);
  }
  const followUp = followUpAsked(cycle, stream, now);
  return startMessageOf(ports, id, followUp ?? { ...asked, tick: startedAt, reason: "request" });
}
