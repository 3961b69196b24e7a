import type { DeadLetter } from "@postern/contracts";
import { withFailureAgain } from "./dead-letter";
import type { SyncPorts } from "../ports/cloud-ports";
import { replayOf } from "./replay/replay-id";

type Ports = Pick<SyncPorts, "deadLetters" | "clock">;

const MAX_TRIES = 5;

/**
 * Stores what was given up. An item that a person has replayed and that fails again reopens its dead letter, so that
 * its history stays in one place; everything else is a new dead letter. Storing one twice has no effect.
 */
export async function storeDeadLetters(
  ports: Ports,
  deadLetters: readonly DeadLetter[],
): Promise<void> {
  const fresh: DeadLetter[] = [];
  for (const failed of deadLetters) {
    const replay = replayOf(failed.messageId);
    const known =
      replay !== undefined && (await openAgain(ports, failed, replay.messageId, replay.number));
    if (!known) fresh.push(failed);
  }
  if (fresh.length > 0) await ports.deadLetters.add(fresh);
}

/** False when no dead letter has sent that replay. */
async function openAgain(
  ports: Ports,
  failed: DeadLetter,
  messageId: string,
  number: number,
): Promise<boolean> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const stored = await ports.deadLetters.replayed(failed.itemId, messageId);
    if (stored === undefined) return false;
    const { replay } = stored.value;
    // The failure of an older replay, reported again after the next one was sent.
    if (replay === undefined || replay.number > number) return true;
    const opened = withFailureAgain(stored.value, failed, ports.clock.now());
    // Open already: this failure has been noted before.
    if (opened === undefined) return true;
    if (await ports.deadLetters.replace(opened, stored.etag)) return true;
  }
  throw new Error(`dead letter of ${messageId} is being changed by too many writers`);
}
