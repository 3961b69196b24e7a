/** Sends what is claimed, counts it as begun, and notes it as sent. */
import type { DeadLetter, Marker } from "@postern/contracts";
import { inParallel } from "@postern/runtime";
import { reopenCycles } from "../../cycles/reopen-cycle";
import { workQueueOf } from "../../work/work-messages";
import { type Order, withReplaySent } from "../dead-letter";
import type { DeadLetterPorts } from "../dead-letter-ports";
import { resultOf } from "../dead-letter-result";
import type { Candidate } from "./replay-candidates";
import { type Claimed, claimReplay, giveUpClaim } from "./replay-claim";
import { endOf, withdrawalOf } from "./replay-markers";
import type { ReplayResult } from "./replay-result";

const PARALLEL = 16;

export async function sendReplays(
  ports: DeadLetterPorts,
  candidates: readonly Candidate[],
  orderOf: (letter: DeadLetter) => Order | undefined,
  nextSlot: () => number,
): Promise<ReplayResult[]> {
  const results: ReplayResult[] = [];
  const claimed: Claimed[] = [];
  await inParallel(candidates, PARALLEL, async (candidate) => {
    const order = orderOf(candidate.stored.value);
    if (order === undefined) return;
    const claim = await claimReplay(ports, candidate, order, nextSlot);
    if ("stored" in claim) claimed.push(claim);
    else results.push(claim);
  });
  for (const [queue, ofQueue] of Map.groupBy(claimed, ({ definition }) =>
    workQueueOf(definition),
  )) {
    const messages = ofQueue.flatMap(({ message }) => message ?? []);
    try {
      if (messages.length > 0) await ports.bus.send(queue, messages);
      await ports.progress.createMarkers(ofQueue.flatMap((one) => markersOf(ports, one)));
      for (const [id, ofDefinition] of Map.groupBy(ofQueue, ({ definition }) => definition.id)) {
        const cycles = ofDefinition.map(({ cycleId }) => cycleId);
        await reopenCycles(ports, id, cycles);
      }
    } catch (error) {
      // Some may have been accepted: the same ids go out again when the request is repeated.
      ports.logger.error("replay.send-failed", {
        queue,
        count: ofQueue.length,
        error: String(error),
      });
      results.push(...(await inParallel(ofQueue, PARALLEL, (one) => giveUpClaim(ports, one))));
      continue;
    }
    results.push(...(await inParallel(ofQueue, PARALLEL, (one) => noteSent(ports, one))));
  }
  return results;
}

function markersOf(
  ports: DeadLetterPorts,
  { stored, item, definition, cycleId, superseded }: Claimed,
): Marker[] {
  const { replay } = stored.value;
  if (replay === undefined) return [];
  const { messageId } = replay;
  const nowMs = ports.clock.now();
  const place = { definition: definition.id, cycleId, version: item.version };
  return [
    withdrawalOf(stored.value, messageId, place, nowMs),
    ...(superseded ? [endOf(messageId, place, { superseded: 1 }, nowMs)] : []),
  ];
}

async function noteSent(ports: DeadLetterPorts, { stored }: Claimed): Promise<ReplayResult> {
  const letter = withReplaySent(stored.value, ports.clock.now());
  // A lost write is none: its item has failed again already, and the letter is open.
  await ports.letters.replace(letter, stored.etag);
  return resultOf(letter, letter.replay?.superseded === true ? "superseded" : "replayed");
}
