import {
  type CycleId,
  type DefinitionId,
  PosternError,
  startQueueName,
  startSession,
} from "@postern/contracts";
import { newCycle } from "../../cycles/cycle-document";
import { compileDefinition } from "../mapping/compiled-definition";
import { cycleIdAt } from "../../cycles/cycle-id";
import type { SyncPorts } from "../../ports/cloud-ports";
import { type EnumerationPorts, settleDefinition } from "./begin-enumeration";
import { startMessageOf } from "./start-messages";

/**
 * Starts a cycle now. Undefined when there is no such definition.
 *
 * @throws PosternError `conflict` when the definition is disabled, or another cycle starts in the same millisecond
 */
export async function startCycle(
  ports: EnumerationPorts & Pick<SyncPorts, "random">,
  definition: DefinitionId,
): Promise<{ cycleId: CycleId; startedAt: string } | undefined> {
  const record = await ports.definitions.get(definition, { fresh: true });
  if (record === undefined) return undefined;
  if (!record.value.definition.enabled) {
    throw new PosternError("conflict", `the sync definition '${definition}' is disabled`);
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
  if (!result.ok) throw new PosternError("conflict", "another cycle is being started; try again");
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
