import { startQueueName } from "@postern/contracts";
import { compileDefinition } from "../mapping/compiled-definition";
import { cycleIdAt } from "../../cycles/cycle-id";
import type { OutgoingMessage } from "../../ports/message-bus";
import type { SyncPorts } from "../../ports/cloud-ports";
import { settleDefinition } from "./begin-enumeration";
import { startMessageOf, tickMessageId } from "./start-messages";

/**
 * A tick: one start message per enabled definition and stream. Instances that tick at the same time make the same ids,
 * and the broker keeps one. A tick that is lost costs nothing but time: the next one asks for the same.
 */
export async function tick(ports: SyncPorts, scheduledAtMs: number): Promise<void> {
  const tickAt = new Date(scheduledAtMs).toISOString();
  const cycleId = cycleIdAt(scheduledAtMs);
  const messages: OutgoingMessage[] = [];
  for (const record of await ports.definitions.list()) {
    const { definition } = record.value;
    if (!definition.enabled) continue;
    if (record.value.resyncDue) {
      // Not from the cache: the process that applied it has most likely started the resync since.
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
