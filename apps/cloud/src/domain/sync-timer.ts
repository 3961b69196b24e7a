import { type DefinitionId, startQueueName, startSession, StreamName } from "@postern/contracts";
import { compileDefinition } from "./compiled-definition";
import { cycleIdAt } from "./cycle-id";
import { stallAfterMs } from "./cycle-views";
import { settleDefinition } from "./definitions";
import type { OutgoingMessage, SyncPorts } from "./ports";
import { startMessageOf, tickMessageId } from "./start-messages";

/**
 * A tick: one start message per enabled definition and stream. Instances that tick at the same time make the same ids, and
 * the broker keeps one. A tick that is lost costs nothing but time: the next one asks for the same.
 */
export async function tick(ports: SyncPorts, scheduledAtMs: number): Promise<void> {
  const tickAt = new Date(scheduledAtMs).toISOString();
  const cycleId = cycleIdAt(scheduledAtMs);
  const messages: OutgoingMessage[] = [];
  for (const record of await ports.definitions.list()) {
    const { definition } = record.value;
    if (!definition.enabled) continue;
    if (record.value.resyncDue) {
      // Not from the cache: whoever applied it has most likely seen to it since.
      const fresh = await ports.definitions.get(definition.id, { fresh: true });
      if (fresh !== undefined) await settleDefinition(ports, fresh);
    }
    for (const stream of compileDefinition(definition).streams) {
      messages.push(
        startMessageOf(ports, tickMessageId(definition.id, stream, tickAt), {
          definition: definition.id,
          stream,
          tick: tickAt,
          cycleId,
          reason: "timer",
        }),
      );
    }
  }
  if (messages.length > 0) await ports.bus.send(startQueueName, messages);
}

/** Enumerations that nobody has moved for this long, lease and rest included, have lost their continuation. */
const IDLE_MS = 2 * 60_000;

/** Looks for streams that stand in the middle of an enumeration while nobody works on them, and asks for their next page. */
export async function watchCycles(ports: SyncPorts): Promise<number> {
  const nowMs = ports.clock.now();
  let restarted = 0;
  for (const { value } of await ports.definitions.list()) {
    const { definition } = value;
    if (!definition.enabled) continue;
    for (const stream of compileDefinition(definition).streams) {
      if (await restartStream(ports, definition.id, stream, nowMs)) restarted += 1;
    }
    restarted += await restartRequests(ports, definition.id, nowMs);
  }
  return restarted;
}

/** More than begin, one every few seconds, until a cycle counts as idle and is looked at. */
const CYCLES_WATCHED = 100;

/**
 * A cycle that a caller asked for, and whose start message was never sent: its process ended in between. Asked for again,
 * each stream is read, or marked done if it has been read since.
 */
async function restartRequests(
  ports: SyncPorts,
  definition: DefinitionId,
  nowMs: number,
): Promise<number> {
  const { items } = await ports.progress.cycles(definition, { limit: CYCLES_WATCHED });
  const messages: OutgoingMessage[] = [];
  for (const { cycleId, kind, startedAt, streams } of items) {
    const idleMs = nowMs - Date.parse(startedAt);
    if (kind === "on-demand" || idleMs < IDLE_MS) continue;
    for (const stream of StreamName.options) {
      if (streams[stream] !== "running") continue;
      const checkpoint = await ports.progress.checkpoint(definition, stream);
      // Under way: whoever enumerates it, or the watch above, brings it to its end.
      if (checkpoint === undefined || checkpoint.value.cycleId === cycleId) continue;
      ports.logger.warn("cycle-stalled", { definition, stream, cycleId, idleMs, stallAfterMs });
      const minute = Math.floor(nowMs / 60_000);
      messages.push(
        startMessageOf(ports, `${startSession(definition, stream)}/${cycleId}-watch-${minute}`, {
          definition,
          stream,
          tick: startedAt,
          cycleId,
          reason: "request",
        }),
      );
    }
  }
  if (messages.length > 0) await ports.bus.send(startQueueName, messages);
  return messages.length;
}

async function restartStream(
  ports: SyncPorts,
  definition: DefinitionId,
  stream: StreamName,
  nowMs: number,
): Promise<boolean> {
  const stored = await ports.progress.checkpoint(definition, stream);
  if (stored?.value.phase !== "enumerating") return false;
  const { leaseUntil, polledAt, page, version, cycleId } = stored.value;
  const movedAtMs = Math.max(
    leaseUntil === null ? 0 : Date.parse(leaseUntil),
    polledAt === null ? 0 : Date.parse(polledAt),
    // A cycle that has read nothing yet began with its cycle document.
    cycleId === null ? 0 : await startedAtMs(ports, definition, cycleId),
  );
  if (nowMs - movedAtMs < IDLE_MS) return false;
  ports.logger.warn("cycle-stalled", {
    definition,
    stream,
    cycleId,
    page,
    idleMs: nowMs - movedAtMs,
    stallAfterMs,
  });
  const minute = Math.floor(nowMs / 60_000);
  await ports.bus.send(startQueueName, [
    startMessageOf(ports, `${definition}/${stream}/page-${page}#${version}-watch-${minute}`, {
      definition,
      stream,
      tick: new Date(nowMs).toISOString(),
      cycleId: cycleId ?? cycleIdAt(nowMs),
      reason: "watchdog",
      page,
    }),
  ]);
  return true;
}

async function startedAtMs(
  ports: SyncPorts,
  definition: DefinitionId,
  cycleId: Parameters<SyncPorts["progress"]["cycle"]>[1],
): Promise<number> {
  const cycle = await ports.progress.cycle(definition, cycleId);
  return cycle === undefined ? 0 : Date.parse(cycle.value.startedAt);
}
