/**
 * On-demand reads without a job: of released entities, whose memberships have to follow. Each has its own cycle, which
 * names the entities. If its start message is lost or expires, the cycle stands still and the cycle watch restarts it.
 * Once its page is committed, further messages of it do nothing.
 */
import {
  type Cycle,
  type DefinitionId,
  type EntityRef,
  type ItemId,
  type JobId,
  startQueueName,
  type StartMessage,
  startSession,
  streamOf,
  type StreamName,
} from "@postern/contracts";
import { newCycle } from "../../cycles/cycle-document";
import { onDemandCycleId } from "../../cycles/cycle-id";
import { itemDigest } from "../../work/item-message-ids";
import type { SyncPorts } from "../../ports/cloud-ports";
import { startMessageOf } from "./start-messages";

export interface FollowUp {
  readonly definition: DefinitionId;
  readonly stream: StreamName;
  readonly followUp: JobId;
  /** At most `limits.entitiesPerJob`, all of one stream. */
  readonly entities: readonly EntityRef[];
}

/** The same for the same items in the same order. It takes the place of a job id; no job has it. */
export function followUpIdOf(items: readonly { readonly itemId: ItemId }[]): JobId {
  const all = items.map(({ itemId }) => itemId).join("\n") as ItemId;
  return `release-${itemDigest(all, 24)}` as JobId;
}

/** Safe to repeat: an existing cycle is requested again. */
export async function startFollowUp(
  ports: Pick<SyncPorts, "progress" | "bus" | "clock" | "stamp" | "tracing">,
  { definition, stream, followUp, entities }: FollowUp,
): Promise<void> {
  const now = new Date(ports.clock.now()).toISOString();
  const cycleId = onDemandCycleId(followUp);
  const cycle = newCycle({
    definition,
    cycleId,
    kind: "on-demand",
    startedAt: now,
    streams: { [stream]: "running" },
    entities: [...entities],
  });
  await ports.progress.transact(definition, [{ kind: "create", document: cycle }]);
  const asked = followUpAsked(cycle, stream, now);
  if (asked === undefined) return;
  const id = `${startSession(definition, stream)}/${followUp}`;
  await ports.bus.send(startQueueName, [startMessageOf(ports, id, asked)]);
}

/** What asks for the reading of a follow-up's cycle; undefined of any other. */
export function followUpAsked(
  { definition, cycleId, entities = [] }: Cycle,
  stream: StreamName,
  tick: string,
): StartMessage | undefined {
  const ofStream = entities.filter(({ type }) => streamOf(type) === stream);
  if (ofStream.length === 0) return undefined;
  // Its cycle's id without what says that it is on demand.
  const jobId = cycleId.replace(/^j-/, "") as JobId;
  const onDemand = { jobId, entities: ofStream };
  return { definition, stream, tick, cycleId, reason: "on-demand", onDemand };
}
