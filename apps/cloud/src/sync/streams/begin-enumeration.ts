/**
 * The beginning of a definition's enumerations: its first checkpoints, or the resync that a changed mapping needs.
 */
import {
  type Checkpoint,
  checkpointId,
  type CycleId,
  type CycleKind,
  type DefinitionId,
  startQueueName,
  startSession,
  type StreamName,
} from "@postern/contracts";
import { cycleDocumentId, newCycle } from "../../cycles/cycle-document";
import { compileDefinition } from "../mapping/compiled-definition";
import { cycleIdAt } from "../../cycles/cycle-id";
import type { DefinitionRecord, ProgressOperation, Stored } from "../../ports/stores";
import type { SyncPorts } from "../../ports/cloud-ports";
import { startMessageOf } from "./start-messages";

export type EnumerationPorts = Pick<
  SyncPorts,
  "definitions" | "progress" | "bus" | "clock" | "stamp" | "tracing" | "logger"
>;

/** Tries of one beginning: each is lost only to another writer of a checkpoint. */
const MAX_ATTEMPTS = 5;

/** Begins what a definition still needs: its first enumeration, or the resync of a changed mapping. */
export async function settleDefinition(
  ports: EnumerationPorts,
  record: Stored<DefinitionRecord>,
): Promise<Stored<DefinitionRecord>> {
  if (!record.value.resyncDue) return record;
  const { definition, appliedAt } = record.value;
  const { streams } = compileDefinition(definition);
  const started = await beginEnumeration(ports, definition.id, streams, Date.parse(appliedAt));
  if (!started) return record;
  const settled = await ports.definitions.replace(
    { ...record.value, resyncDue: false },
    record.etag,
  );
  return settled ?? record;
}

/**
 * Sets every stream to the beginning: generation 1 where there is no checkpoint, the next one where there is. The
 * process that applied the definition and the timer may do this at the same time: the cycle's id is made from the time
 * of applying, so that it begins once.
 */
async function beginEnumeration(
  ports: EnumerationPorts,
  definition: DefinitionId,
  streams: readonly StreamName[],
  appliedAtMs: number,
): Promise<boolean> {
  const cycleId = cycleIdAt(appliedAtMs, "applied");
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const nowMs = ports.clock.now();
    const [counter, ...checkpoints] = await Promise.all([
      ports.progress.counter(definition),
      ...streams.map((stream) => ports.progress.checkpoint(definition, stream)),
    ]);
    const brokenOff = await brokenOffCycles(ports, definition, checkpoints);
    const initial = checkpoints.every((checkpoint) => checkpoint === undefined);
    const kind: CycleKind = initial ? "initial" : "resync";
    const operations: ProgressOperation[] = [
      {
        kind: "create",
        document: newCycle({
          definition,
          cycleId,
          kind,
          startedAt: new Date(nowMs).toISOString(),
          streams: Object.fromEntries(streams.map((stream) => [stream, "running"])),
        }),
      },
      ...(counter === undefined
        ? [
            {
              kind: "create",
              document: {
                id: "counter",
                type: "counter",
                definition,
                // Never from 1: a store restored from an old copy must not give out versions that targets have seen.
                version: nowMs,
                sent: 0,
                deletesByHour: {},
              },
            } as const,
          ]
        : []),
    ];
    streams.forEach((stream, index) => {
      const stored = checkpoints[index];
      operations.push(checkpointOperation(definition, stream, cycleId, stored));
      const before = brokenOff[index];
      if (before !== undefined) {
        operations.push({
          kind: "patch",
          id: cycleDocumentId(before),
          set: { [`/streams/${stream}`]: "done" },
        });
      }
    });
    const result = await ports.progress.transact(definition, operations);
    const begunBefore = !result.ok && result.failedAt === 0 && result.reason === "exists";
    if (!result.ok && !begunBefore) continue;
    ports.logger.info("cycle.started", { definition, cycleId, kind });
    await ports.bus.send(
      startQueueName,
      streams.map((stream) =>
        startMessageOf(ports, `${startSession(definition, stream)}/${cycleId}`, {
          definition,
          stream,
          tick: new Date(nowMs).toISOString(),
          cycleId,
          reason: "continuation",
        }),
      ),
    );
    return true;
  }
  return false;
}

/** Of each stream: the cycle whose enumeration is broken off, unless its history has run out. */
function brokenOffCycles(
  { progress }: EnumerationPorts,
  definition: DefinitionId,
  checkpoints: readonly (Stored<Checkpoint> | undefined)[],
): Promise<(CycleId | undefined)[]> {
  return Promise.all(
    checkpoints.map(async (stored) => {
      if (stored?.value.phase !== "enumerating" || stored.value.cycleId === null) return undefined;
      const cycle = await progress.cycle(definition, stored.value.cycleId);
      return cycle?.value.cycleId;
    }),
  );
}

function checkpointOperation(
  definition: DefinitionId,
  stream: StreamName,
  cycleId: CycleId,
  stored: Stored<Checkpoint> | undefined,
): ProgressOperation {
  const document: Checkpoint = {
    id: checkpointId(stream),
    type: "checkpoint",
    definition,
    stream,
    link: null,
    phase: "enumerating",
    page: stored === undefined ? 0 : stored.value.page + 1,
    version: stored?.value.version ?? 0,
    owner: null,
    leaseUntil: null,
    cycleId,
    generation: (stored?.value.generation ?? 0) + 1,
    polledAt: stored?.value.polledAt ?? null,
    ...(stored?.value.comparedFrom === undefined
      ? {}
      : { comparedFrom: stored.value.comparedFrom }),
  };
  return stored === undefined
    ? { kind: "create", document }
    : { kind: "replace", document, etag: stored.etag };
}
