import {
  clip,
  CycleId,
  type DeadLetter,
  DefinitionId,
  limits,
  type Marker,
  Version,
} from "@postern/contracts";
import { withFailureAgain, withReplaySent } from "../dead-letter";
import type { DeadLetterPorts } from "../dead-letter-ports";
import type { MarkerPlace } from "../../cycles/message-marker";
import type { Stored } from "../../ports/stores";
import { markerId } from "../../cycles/document-ids";
import { reopenCycles } from "../../cycles/reopen-cycle";
import { withdrawalOf } from "./replay-markers";

/** Report name of a replay that could not be finished: it distinguishes that end from an agent's report. */
export const unfinishedReport = "replay-watch";

/** What a letter says after its replay's end: sent, or open again. */
export type ReplayEnd = "sent" | "open";

export function placeOf(letter: DeadLetter): MarkerPlace | undefined {
  const definition = DefinitionId.safeParse(letter.definition);
  const cycleId = CycleId.safeParse(letter.cycleId);
  const version = Version.safeParse(letter.version);
  if (!definition.success || !cycleId.success || !version.success) return undefined;
  return { definition: definition.data, cycleId: cycleId.data, version: version.data };
}

/**
 * For a replay whose claim has expired: whether its message has ended, reported by an agent or given up here. If so,
 * nothing more is sent, and the letter is updated. Undefined when it has not ended.
 */
export async function followEnd(
  ports: DeadLetterPorts,
  stored: Stored<DeadLetter>,
): Promise<ReplayEnd | undefined> {
  const { replay } = stored.value;
  const place = placeOf(stored.value);
  if (replay === undefined || place === undefined) return undefined;
  const end = await ports.progress.marker(place.definition, markerId(replay.messageId));
  if (end === undefined) return undefined;
  return follow(ports, stored, end, "its definition no longer takes it");
}

/**
 * Updates the letter from its replay's end: open again if the replay was given up, sent if an agent has reported it.
 */
export async function follow(
  ports: DeadLetterPorts,
  { value: letter, etag }: Stored<DeadLetter>,
  end: Marker | undefined,
  why: string,
): Promise<ReplayEnd> {
  const nowMs = ports.clock.now();
  if (end !== undefined && end.report !== unfinishedReport) {
    const place = { definition: end.definition, cycleId: end.cycleId, version: end.version };
    await ports.progress.createMarkers([withdrawalOf(letter, end.workMessageId, place, nowMs)]);
    await reopenCycles(ports, place.definition, [place.cycleId]);
    await ports.letters.replace(withReplaySent(letter, nowMs), etag);
    return "sent";
  }
  const reason = clip(`the replay could not be finished: ${why}`, limits.failureChars);
  const opened = withFailureAgain(letter, { ...letter, reason, attempts: [] }, nowMs);
  // A write that loses does no harm: the next look finds the newer state.
  if (opened !== undefined) await ports.letters.replace(opened, etag);
  ports.logger.warn("replay.finish-failed", { id: letter.id, reason });
  return "open";
}
