/**
 * Sends dead-lettered items again: same item, same version, a new message id.
 *
 * For each: validate → claim (the letter is `replayed`, by whom and why, under its etag) → audit → send → markers →
 * note as sent. A replay that is interrupted is resumed once its claim has expired, by the next request or by a timer,
 * and sends the same message id, which the broker, the marker and the ledger each recognise. An item that the index has
 * in a newer version is not sent but counted as superseded; if the index moves later, the agent's ledger and inbox come
 * to the same outcome.
 *
 * Counts (ADR 0006): a marker `MESSAGE.withdrawn` withdraws the outcome that was counted when the item failed, so the
 * item is pending again in its cycle until the replay's own marker counts how it ended.
 */
import type { DeadLetter } from "@postern/contracts";
import { inParallel } from "@postern/runtime";
import type { Stored } from "../../ports/stores";
import { type Order, replayChance, withReplaySent } from "../dead-letter";
import { auditRefusal } from "../dead-letter-audit";
import type { DeadLetterPorts } from "../dead-letter-ports";
import { resultOf } from "../dead-letter-result";
import { type Candidate, findCandidates } from "./replay-candidates";
import { followEnd } from "./replay-end";
import { alreadyReplayed, changedMeanwhile, type ReplayResult } from "./replay-result";
import { sendReplays } from "./replay-send";

/** Dead letters claimed and sent together. */
const CHUNK = 100;
const PARALLEL = 16;

export async function replayDeadLetters(
  ports: DeadLetterPorts,
  letters: readonly Stored<DeadLetter>[],
  order: Order,
  options: { readonly dryRun?: boolean } = {},
): Promise<ReplayResult[]> {
  if (options.dryRun === true) return replayEach(ports, letters, () => order, options);
  const { open, ended } = await followEnds(ports, letters);
  const results = [...ended, ...(await replayEach(ports, open, () => order, options))];
  for (const { id, outcome, detail } of results) {
    if (outcome === "refused")
      await auditRefusal(ports, id, "replayDeadLetter", order, detail ?? "");
  }
  return results;
}

/** A replay that was begun before may have ended since: then there is nothing to resume. */
async function followEnds(
  ports: DeadLetterPorts,
  letters: readonly Stored<DeadLetter>[],
): Promise<{
  readonly open: readonly Stored<DeadLetter>[];
  readonly ended: readonly ReplayResult[];
}> {
  const nowMs = ports.clock.now();
  const ends = await inParallel(letters, PARALLEL, async (stored) =>
    replayChance(stored.value, nowMs).kind === "resend" ? followEnd(ports, stored) : undefined,
  );
  const ended = letters.flatMap(({ value }, index) => {
    const end = ends[index];
    if (end === "sent") return alreadyReplayed(withReplaySent(value, nowMs));
    return end === "open" ? resultOf(value, "failed", changedMeanwhile) : [];
  });
  const open = letters.filter((_, index) => ends[index] === undefined);
  return { open, ended };
}

/** The same for letters that different people asked for; those without an order are passed over. */
export async function replayEach(
  ports: DeadLetterPorts,
  letters: readonly Stored<DeadLetter>[],
  orderOf: (letter: DeadLetter) => Order | undefined,
  options: { readonly dryRun?: boolean } = {},
): Promise<ReplayResult[]> {
  const definitions = new Map(
    (await ports.definitions.list({ fresh: true })).map(({ value }) => [
      value.id as string,
      value.definition,
    ]),
  );
  const results: ReplayResult[] = [];
  let scheduled = 0;
  for (let start = 0; start < letters.length; start += CHUNK) {
    const chunk = letters.slice(start, start + CHUNK);
    const candidates: Candidate[] = [];
    for (const found of await findCandidates(ports, chunk, definitions)) {
      if ("stored" in found) candidates.push(found);
      else results.push(found);
    }
    if (options.dryRun === true) {
      results.push(...candidates.map(forecast));
      continue;
    }
    results.push(...(await sendReplays(ports, candidates, orderOf, () => scheduled++)));
  }
  return results;
}

function forecast({ stored, superseded }: Candidate): ReplayResult {
  return resultOf(stored.value, superseded ? "superseded" : "replayed");
}
