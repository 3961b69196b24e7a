import { clip, type DeadLetter, limits, type Marker } from "@postern/contracts";
import { inParallel } from "@postern/runtime";
import { type Order, replayChance, withClaimExtended } from "../dead-letter";
import type { DeadLetterPorts } from "../dead-letter-ports";
import { ServiceUnavailable } from "@postern/runtime";
import type { Stored } from "../../ports/stores";
import { replayEach } from "./replay";
import { follow, followEnd, placeOf, unfinishedReport } from "./replay-end";
import { endOf, withdrawalOf } from "./replay-markers";

/** Read in one run, and resumed per definition in one run: the rest follows a minute later. */
const LOOKED_AT = 1_000;
const TAKEN_UP = 200;
const PARALLEL = 16;
/**
 * Finishes replays whose request ended between its claim and its end, in the name of who asked: an item that a
 * person has replayed is sent even if the request is never repeated. A replay that an agent has reported meanwhile is
 * noted as sent; one that can no longer be sent is open again, with the reason. Called by a timer; safe to run in
 * several instances at the same time, as the requests of two people are. Returns how many it resumed.
 */
export async function resumeReplays(ports: DeadLetterPorts): Promise<number> {
  const now = new Date(ports.clock.now()).toISOString();
  const unfinished = await ports.letters.unfinished({ limit: LOOKED_AT, now });
  let taken = 0;
  for (const ofDefinition of Map.groupBy(unfinished, ({ definition }) => definition).values()) {
    // Sends one first: while its queue accepts nothing, the others are not sent, and other queues have their turn.
    const some = ofDefinition.slice(0, TAKEN_UP);
    for (const part of [some.slice(0, 1), some.slice(1)]) {
      const { letters, failed } = await resume(ports, part);
      taken += letters;
      if (failed) break;
    }
  }
  return taken;
}

type Unfinished = Awaited<ReturnType<DeadLetterPorts["letters"]["unfinished"]>>[number];

async function resume(
  ports: DeadLetterPorts,
  places: readonly Unfinished[],
): Promise<{ readonly letters: number; readonly failed: boolean }> {
  const unanswered = new Map<string, Stored<DeadLetter>>();
  const orders = new Map<string, Order>();
  await inParallel(places, PARALLEL, async ({ id, group }) => {
    const stored = await readable(ports, id, group);
    const order = stored === undefined ? undefined : orderOf(stored.value);
    if (stored === undefined || order === undefined) return;
    if (replayChance(stored.value, ports.clock.now()).kind !== "resend") return;
    if ((await followEnd(ports, stored)) !== undefined) return;
    unanswered.set(id, stored);
    orders.set(id, order);
  });
  if (unanswered.size === 0) return { letters: 0, failed: false };
  const results = await replayEach(ports, [...unanswered.values()], ({ id }) => orders.get(id));
  let failed = false;
  for (const { id, outcome, detail } of results) {
    const stored = unanswered.get(id);
    if (outcome === "failed") failed = true;
    if (outcome === "refused" && stored !== undefined) {
      await openAgain(ports, stored, detail ?? "it can no longer be sent");
    }
  }
  ports.logger.info("replay.resumed", { count: unanswered.size, failed });
  return { letters: unanswered.size, failed };
}

/** Also undefined for a document that a newer version of the cloud wrote: it must not stop the others. */
async function readable(
  { letters, logger }: DeadLetterPorts,
  id: string,
  group: string,
): Promise<Stored<DeadLetter> | undefined> {
  try {
    return await letters.read(id, group);
  } catch (error) {
    if (error instanceof ServiceUnavailable) throw error;
    logger.warn("dead-letter.read-failed", { id, error: clip(String(error), limits.failureChars) });
    return undefined;
  }
}

function orderOf({ actions }: DeadLetter): Order | undefined {
  const step = actions?.findLast(({ by }) => by !== null);
  if (step === undefined || step.by === null) return undefined;
  return { by: step.by, reason: step.reason, traceId: step.traceId ?? "" };
}

async function openAgain(
  ports: DeadLetterPorts,
  { value, etag }: Stored<DeadLetter>,
  why: string,
): Promise<void> {
  // Claimed first, as by a person: two that ask for one letter must not both go on.
  const nowMs = ports.clock.now();
  const claim = await ports.letters.replace(withClaimExtended(value, nowMs), etag);
  const { replay } = value;
  const place = placeOf(value);
  if (claim === undefined || replay === undefined) return;
  if (place === undefined) {
    await follow(ports, claim, undefined, why);
    return;
  }
  const { messageId } = replay;
  const failed = { [value.outcome ?? "dead-lettered"]: 1 };
  const end: Marker = { ...endOf(messageId, place, failed, nowMs), report: unfinishedReport };
  await ports.progress.createMarkers([withdrawalOf(value, messageId, place, nowMs), end]);
  await follow(ports, claim, await ports.progress.marker(place.definition, end.id), why);
}
