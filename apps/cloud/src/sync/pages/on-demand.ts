/**
 * Single entities read on demand, under their stream's claim: their versions come from the same counter and their reads
 * happen under the same lease as those of every page, so that neither can overtake the other. The checkpoint does not
 * move.
 */
import {
  clip,
  type EntityRef,
  type JobId,
  limits,
  type StartMessage,
  startQueueName,
  startSession,
  type StreamName,
  streamOf,
} from "@postern/contracts";
import { newCycle } from "../../cycles/cycle-document";
import { compileDefinition, type CompiledDefinition } from "../mapping/compiled-definition";
import { onDemandCycleId } from "../../cycles/cycle-id";
import { reportJobProgress } from "../../cycles/job-progress";
import type { PageContext } from "./page-context";
import type { PageRunOptions } from "./page-run";
import { ServiceUnavailable } from "@postern/runtime";
import { type SourceChange, SourceError } from "../../ports/source";
import type { SyncPorts } from "../../ports/cloud-ports";
import { PageWork } from "./page-work";
import { decideStart } from "../streams/start-decision";
import { repeatMessageId, startMessageOf } from "../streams/start-messages";

const MAX_LOST = 3;
const RETRY_MS = 2_000;
const DEFAULT_WAIT_MS = 10_000;
/** Characters of a job id in the id of a repeated message, whose length is limited. */
const JOB_ID_CHARS = 40;

export type OnDemandMessage = StartMessage & {
  readonly onDemand: NonNullable<StartMessage["onDemand"]>;
};

export async function runOnDemand(
  options: PageRunOptions,
  message: OnDemandMessage,
): Promise<void> {
  const { ports, claims } = options;
  const { definition, stream } = message;
  try {
    for (let lost = 0; lost < MAX_LOST; lost += 1) {
      claims.forget(definition, stream);
      const outcome = await attempt(options, message);
      if (outcome === "ended") return;
      if (outcome !== "lost") return await askAgain(ports, message, outcome.waitMs);
    }
    await askAgain(ports, message, RETRY_MS);
  } catch (error) {
    claims.forget(definition, stream);
    if (error instanceof SourceError && error.failure !== "refused") {
      await askAgain(ports, message, error.retryAfterMs ?? DEFAULT_WAIT_MS);
    } else if (error instanceof ServiceUnavailable) {
      await askAgain(ports, message, error.retryAfterMs ?? RETRY_MS);
    } else throw error;
  }
}

async function attempt(
  { ports, claims }: PageRunOptions,
  message: OnDemandMessage,
): Promise<"ended" | "lost" | { waitMs: number }> {
  const { definition: id, stream, cycleId, onDemand } = message;
  const looked = await claims.look(id, stream);
  const record = await ports.definitions.get(id, { fresh: true });
  if (looked === undefined || record === undefined) {
    ports.logger.warn("start-message.skipped", { definition: id, stream });
    return "ended";
  }
  const cycle = (await ports.progress.cycle(id, cycleId))?.value;
  if (cycle?.entities !== undefined && cycle.streams[stream] === "done") return "ended";
  const nowMs = ports.clock.now();
  const decision = decideStart(message, {
    checkpoint: looked.checkpoint,
    polledAtMs: looked.polledAtMs,
    owner: ports.stamp.owner,
    nowMs,
  });
  if (decision.kind === "leave") return { waitMs: decision.untilMs - nowMs };

  const claim = await claims.acquire(looked);
  const version = claim?.versions[0];
  if (claim === undefined || version === undefined) return "lost";
  const compiled = compileDefinition(record.value.definition);
  const page: PageContext = {
    compiled,
    stream,
    jobId: onDemand.jobId,
    verify: onDemand.verify === true,
    cycleId,
    cycleKind: "on-demand",
    createCycle: false,
    claim,
    version,
    generation: claim.checkpoint.generation,
  };
  const changes = await readEntities(ports, compiled, stream, onDemand.entities);
  const pages = new PageWork(ports, claims);
  const outcome = await pages.send(page, { changes });
  if (outcome === undefined) return "lost";
  const committed = await pages.commitInPlace(page, outcome);
  if (committed === undefined) return "lost";
  await reportJobProgress(ports, { jobId: onDemand.jobId, definition: id, cycleId });
  return "ended";
}

/** Every entity as the source has it now: one that is not found is removed. */
async function readEntities(
  ports: SyncPorts,
  compiled: CompiledDefinition,
  stream: StreamName,
  entities: readonly EntityRef[],
): Promise<SourceChange[]> {
  const changes: SourceChange[] = [];
  for (const { type, id } of entities) {
    if (type === "membership") {
      const [groupId = "", memberId = ""] = id.split("/");
      changes.push({
        type: "group",
        id: groupId,
        properties: {},
        members: [await ports.graph.member(groupId, memberId)],
        membersOnly: true,
      });
      continue;
    }
    const found = await ports.graph.object(type, id, compiled.select[stream]);
    changes.push(found ?? { type, id, removed: "changed", properties: {} });
  }
  return changes;
}

async function askAgain(ports: SyncPorts, message: OnDemandMessage, waitMs: number): Promise<void> {
  const atMs = ports.clock.now() + Math.max(0, waitMs);
  const label = message.onDemand.jobId.slice(0, JOB_ID_CHARS);
  const id = repeatMessageId(message, label, atMs, ports.random);
  await ports.bus.send(startQueueName, [startMessageOf(ports, id, message, atMs)]);
}

/**
 * Requests a read of entities of a definition. Undefined when there is no such definition. Safe to repeat: the same job
 * requests the same cycle again.
 */
export async function startOnDemand(
  ports: SyncPorts,
  job: {
    readonly jobId: JobId;
    readonly definition: StartMessage["definition"];
    readonly entities: readonly EntityRef[];
    readonly verify?: boolean | undefined;
  },
): Promise<{ cycleId: StartMessage["cycleId"] } | undefined> {
  const { jobId, definition } = job;
  const record = await ports.definitions.get(definition);
  if (record === undefined) return undefined;
  const nowMs = ports.clock.now();
  const now = new Date(nowMs).toISOString();
  const cycleId = onDemandCycleId(jobId);
  const byStream = Map.groupBy(job.entities, ({ type }) => streamOf(type));
  const result = await ports.progress.transact(definition, [
    {
      kind: "create",
      document: newCycle({
        definition,
        cycleId,
        kind: "on-demand",
        startedAt: now,
        streams: Object.fromEntries([...byStream.keys()].map((stream) => [stream, "running"])),
        jobId,
      }),
    },
  ]);
  if (!result.ok && result.reason !== "exists") return undefined;
  await ports.bus.send(
    startQueueName,
    [...byStream].map(([stream, entities]) =>
      startMessageOf(
        ports,
        `${startSession(definition, stream)}/${clip(jobId, limits.timeSortedIdChars)}`,
        {
          definition,
          stream,
          tick: now,
          cycleId,
          reason: "on-demand",
          onDemand: { jobId, entities, ...(job.verify === true ? { verify: true } : {}) },
        },
      ),
    ),
  );
  return { cycleId };
}
