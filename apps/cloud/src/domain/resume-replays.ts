import { type Actor, CycleId, type DeadLetter, DefinitionId, Version } from "@postern/contracts";
import { type Order, replayChance, withFailureAgain } from "./dead-letter";
import type { DeadLetterPorts } from "./dead-letter-ports";
import type { Stored } from "./ports";
import { replayDeadLetters } from "./replay";
import { endOf, withdrawalOf } from "./replay-markers";

/** Taken up in one look. */
const AT_ONCE = 200;

/**
 * Finishes replays whose request ended between its claim and its end, in the name of who asked: an item that a person has
 * seen go is never left lying because nobody asks a second time. One that can no longer go out is open again, and says why.
 * Called by a timer; safe at several places at once, as requests of two people are. Returns how many it took up.
 */
export async function resumeReplays(ports: DeadLetterPorts): Promise<number> {
  const now = new Date(ports.clock.now()).toISOString();
  const lapsed = await ports.letters.unfinished({ limit: AT_ONCE, now });
  const read = await Promise.all(lapsed.map(({ id, group }) => ports.letters.read(id, group)));
  const left = read.flatMap((stored): { stored: Stored<DeadLetter>; order: Order }[] => {
    if (stored === undefined) return [];
    if (replayChance(stored.value, ports.clock.now()).kind !== "resend") return [];
    const order = orderOf(stored.value);
    return order === undefined ? [] : [{ stored, order }];
  });
  const asked = Map.groupBy(left, ({ order }) => JSON.stringify([order.by, order.traceId]));
  for (const together of asked.values()) {
    const [first] = together;
    if (first === undefined) continue;
    const letters = together.map(({ stored }) => stored);
    const results = await replayDeadLetters(ports, letters, first.order);
    ports.logger.info("replays-resumed", { count: letters.length, by: first.order.by.name });
    for (const { id, outcome, detail } of results) {
      const refused = letters.find(({ value }) => value.id === id);
      if (outcome === "refused" && refused !== undefined) {
        await openAgain(ports, refused, detail ?? "it can no longer be sent");
      }
    }
  }
  return left.length;
}

function orderOf({ actions }: DeadLetter): Order | undefined {
  const step = actions?.findLast(({ by }) => by !== null);
  const by: Actor | null | undefined = step?.by;
  if (step === undefined || by === null || by === undefined) return undefined;
  return { by, reason: step.reason, traceId: step.traceId ?? "" };
}

/** As if an agent had told that it failed: what it counts and how its letter goes on are the same. */
async function openAgain(
  ports: DeadLetterPorts,
  { value: letter, etag }: Stored<DeadLetter>,
  why: string,
): Promise<void> {
  const { replay } = letter;
  const nowMs = ports.clock.now();
  const definition = DefinitionId.safeParse(letter.definition);
  const cycleId = CycleId.safeParse(letter.cycleId);
  const version = Version.safeParse(letter.version);
  if (replay !== undefined && definition.success && cycleId.success && version.success) {
    const place = { definition: definition.data, cycleId: cycleId.data, version: version.data };
    await ports.progress.createMarkers([
      withdrawalOf(letter, replay.messageId, place, nowMs),
      endOf(replay.messageId, place, { [letter.outcome ?? "dead-lettered"]: 1 }, nowMs),
    ]);
  }
  const reason = `the replay could not be finished: ${why}`.slice(0, 500);
  const opened = withFailureAgain(letter, { ...letter, reason, attempts: [] }, nowMs);
  // A lost write is none: the next look finds it as it is then.
  if (opened !== undefined) await ports.letters.replace(opened, etag);
  ports.logger.warn("replay-not-finished", { id: letter.id, reason });
}
