/** People at the dead letters: they request replays and discards over HTTP, and retry when the response says so. */
import {
  type DeadLetterPorts,
  discardDeadLetters,
  replayDeadLetters,
  ServiceUnavailable,
} from "@postern/cloud";
import type { DeadLetterResult } from "@postern/contracts";

export interface LetterRequest {
  readonly kind: "replay" | "discard";
  readonly ids: readonly string[];
  readonly reason: string;
  readonly traceId: string;
}

/** @throws ServiceUnavailable when the answer says that some letters must be requested again */
export async function askForLetters(
  ports: DeadLetterPorts,
  { kind, ids, reason, traceId }: LetterRequest,
): Promise<void> {
  const order = { by: { oid: "clerk", azp: "sim", name: "Clerk" }, reason, traceId };
  const groups = await ports.letters.groupsOf(ids);
  const read = await Promise.all([...groups].map(([id, group]) => ports.letters.read(id, group)));
  const letters = read.filter((letter) => letter !== undefined);
  const results =
    kind === "replay"
      ? await replayDeadLetters(ports, letters, order)
      : await discardDeadLetters(ports, letters, order);
  const left = results.filter(isToBeAskedAgain);
  if (left.length > 0) {
    throw new ServiceUnavailable("cosmos", `${left.length} must be requested again`);
  }
}

function isToBeAskedAgain({ outcome, detail }: DeadLetterResult): boolean {
  return outcome === "failed" || (outcome === "already-replayed" && detail !== null);
}
