import {
  type Checkpoint,
  checkpointId,
  type CycleId,
  type CycleKind,
  type DefinitionId,
  PosternError,
  startQueueName,
  startSession,
  type StreamName,
  type SyncDefinition,
} from "@postern/contracts";
import { cycleDocumentId, newCycle } from "../../cycles/cycle-document";
import { compileDefinition } from "../mapping/compiled-definition";
import { cycleIdAt } from "../../cycles/cycle-id";
import type { DefinitionRecord, ProgressOperation, Stored } from "../../ports/stores";
import type { SyncPorts } from "../../ports/cloud-ports";
import { startMessageOf } from "../streams/start-messages";

/** Sync definitions: applying one, and the cycles that this and a caller's wish begin. */
export interface AppliedDefinition {
  readonly outcome: "created" | "replaced" | "unchanged";
  readonly record: Stored<DefinitionRecord>;
}

type Ports = Pick<
  SyncPorts,
  "definitions" | "progress" | "bus" | "clock" | "stamp" | "tracing" | "logger" | "random"
>;

const MAX_ATTEMPTS = 5;

/**
 * Creates or replaces a definition; a new one starts its initial cycle, a changed mapping starts a resync.
 *
 * @throws PosternError `expression-invalid` or `definition-invalid` (details.problems: FieldProblem[]), `precondition-failed`
 *   when `ifMatch` is not the etag of the stored one, `conflict` when the change cannot be made
 */
export async function applyDefinition(
  ports: Ports,
  definition: SyncDefinition,
  options: { readonly ifMatch?: string | undefined },
): Promise<AppliedDefinition> {
  compileDefinition(definition);
  requireTarget(ports, definition);
  const { ifMatch } = options;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const stored = await ports.definitions.get(definition.id, { fresh: true });
    if (ifMatch !== undefined && ifMatch !== "*" && stored?.etag !== ifMatch) {
      throw new PosternError("precondition-failed", "the definition has changed since it was read");
    }
    if (ifMatch !== undefined && stored === undefined) {
      throw new PosternError("precondition-failed", "there is no such definition to replace");
    }
    const record: DefinitionRecord = {
      id: definition.id,
      definition,
      appliedAt: new Date(ports.clock.now()).toISOString(),
      // Until its first checkpoints are there: the timer makes them if this process cannot.
      resyncDue: true,
    };
    if (stored === undefined) {
      const created = await ports.definitions.create(record);
      if (created === undefined) continue;
      return { outcome: "created", record: await settleDefinition(ports, created) };
    }
    if (JSON.stringify(stored.value.definition) === JSON.stringify(definition)) {
      return { outcome: "unchanged", record: await settleDefinition(ports, stored) };
    }
    requireSameAddress(stored.value.definition, definition);
    const resyncDue =
      stored.value.resyncDue || mappingText(stored.value.definition) !== mappingText(definition);
    const replaced = await ports.definitions.replace({ ...record, resyncDue }, stored.etag);
    if (replaced === undefined) {
      if (ifMatch === undefined || ifMatch === "*") continue;
      throw new PosternError("precondition-failed", "the definition has changed since it was read");
    }
    return { outcome: "replaced", record: await settleDefinition(ports, replaced) };
  }
  throw new PosternError("conflict", "the definition is being changed by others; try again");
}

function requireTarget({ stamp }: Pick<SyncPorts, "stamp">, definition: SyncDefinition): void {
  const group = stamp.groups.find(({ name }) => name === definition.group);
  const known =
    group === undefined
      ? `known groups: ${stamp.groups.map(({ name }) => name).join(", ")}`
      : `targets of the group: ${group.targets.join(", ")}`;
  const field = group === undefined ? "$.group" : "$.target";
  if (group?.targets.includes(definition.target) === true) return;
  const problems = [{ field, problem: "is not configured in this branch", hint: known }];
  throw new PosternError("definition-invalid", `${field}: is not configured (${known})`, {
    details: { problems },
  });
}

/** What rows at the target are found by: changing it would leave those behind. */
function requireSameAddress(before: SyncDefinition, after: SyncDefinition): void {
  const problems: { field: string; problem: string; hint: string }[] = [];
  const hint = "create a new definition under another id";
  const compare = (field: string, a: unknown, b: unknown): void => {
    if (JSON.stringify(a) !== JSON.stringify(b)) {
      problems.push({ field: `$.${field}`, problem: "cannot be changed once applied", hint });
    }
  };
  compare("group", before.group, after.group);
  compare("target", before.target, after.target);
  for (const section of ["users", "groups", "memberships"] as const) {
    const [old, renewed] = [before[section], after[section]];
    if (old === undefined || renewed === undefined) continue;
    compare(`${section}.object`, old.object, renewed.object);
    compare(`${section}.key`, Object.keys(old.key).sort(), Object.keys(renewed.key).sort());
  }
  if (problems.length === 0) return;
  const text = problems.map(({ field, problem }) => `${field} ${problem}`).join("; ");
  throw new PosternError("conflict", `${text}: ${hint}`, { details: { problems } });
}

function mappingText({ users, groups, memberships }: SyncDefinition): string {
  return JSON.stringify([users ?? null, groups ?? null, memberships ?? null]);
}

/** Does what a definition still owes: its first checkpoints, or the resync that a changed mapping needs. */
export async function settleDefinition(
  ports: Ports,
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
 * Sets every stream to the beginning: generation 1 where there is no checkpoint, the next one where there is. Whoever
 * applied the definition and the timer may come here at once: the cycle's id is made from when it was applied, so that
 * it begins once.
 */
async function beginEnumeration(
  ports: Ports,
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
    ports.logger.info("cycle-started", { definition, cycleId, kind });
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
  { progress }: Ports,
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

/** Starts a cycle now. Undefined when there is no such definition; `conflict` when it is not enabled. */
export async function startCycle(
  ports: Ports,
  definition: DefinitionId,
): Promise<{ cycleId: CycleId; startedAt: string } | undefined> {
  const record = await ports.definitions.get(definition, { fresh: true });
  if (record === undefined) return undefined;
  if (!record.value.definition.enabled) {
    throw new PosternError("conflict", `the definition '${definition}' is not enabled`);
  }
  await settleDefinition(ports, record);
  const { streams } = compileDefinition(record.value.definition);
  const nowMs = ports.clock.now();
  const startedAt = new Date(nowMs).toISOString();
  const cycleId = cycleIdAt(nowMs, ports.random.uuid().slice(0, 8));
  const result = await ports.progress.transact(definition, [
    {
      kind: "create",
      document: newCycle({
        definition,
        cycleId,
        kind: "incremental",
        startedAt,
        streams: Object.fromEntries(streams.map((stream) => [stream, "running"])),
      }),
    },
  ]);
  if (!result.ok) throw new PosternError("conflict", "another cycle starts at this moment");
  await ports.bus.send(
    startQueueName,
    streams.map((stream) =>
      startMessageOf(ports, `${startSession(definition, stream)}/${cycleId}`, {
        definition,
        stream,
        tick: startedAt,
        cycleId,
        reason: "request",
      }),
    ),
  );
  return { cycleId, startedAt };
}
