/** Results as an agent would make them, with outcomes of the sender's choice. */
import {
  contentHash,
  type ItemResult,
  stampedParts,
  type WorkItem,
  type WorkMessage,
  type WorkMessageResult,
} from "@postern/contracts";
import type { SeededRandom } from "../../kit/seeded-random";

const outcomes = [
  "applied",
  "unchanged",
  "superseded",
  "dead-lettered",
  "outcome-unknown",
  "waiting",
  "waiting",
] as const;

/** The results of a message's parts, with the proofs that it came with. */
export function resultsOf(
  work: WorkMessage,
  random: SeededRandom,
  nowMs: number,
): WorkMessageResult[] {
  const { key, at } = work.proof;
  const { definition, stream, target, lane, cycleId, jobId, version, firstAttemptAt } = work;
  return stampedParts(work).map(({ id, from, to, code }) => ({
    workMessageId: id,
    ...{ definition, stream, target, lane, cycleId, version },
    ...(jobId === undefined ? {} : { jobId }),
    items: work.items.slice(from, to).map((item) => itemResult(item, random, nowMs)),
    proof: {
      ...{ key, at },
      ...(firstAttemptAt === undefined ? {} : { firstAttemptAt }),
      code,
    },
  }));
}

/** Any outcome; what it says of times and contents may be anything. */
function itemResult(item: WorkItem, random: SeededRandom, nowMs: number): ItemResult {
  const { itemId, entity, version, hash } = item;
  const outcome = random.pick(outcomes);
  const base = { itemId, entity, version, hash, outcome };
  if (outcome !== "waiting" && outcome !== "dead-lettered") return base;
  const retryMs = random.chance(0.08)
    ? random.pick([365 * 86_400_000, -86_400_000])
    : random.between(0, 30_000);
  return {
    ...base,
    failure: "transient",
    code: "target-timeout",
    reason: "so it says",
    retryAt: new Date(nowMs + retryMs).toISOString(),
    ...(random.chance(0.3)
      ? { firstAttemptAt: random.pick(["2001-01-01T00:00:00.000Z", "9999-01-01T00:00:00.000Z"]) }
      : {}),
    ...(random.chance(0.9) ? { item: random.chance(0.7) ? item : changed(item, random) } : {}),
  };
}

/** Other content under the same id: with its old hash or a true one, or with another version. */
export function changed(item: WorkItem, random: SeededRandom): WorkItem {
  const values = { ...item.values, display_name: "forged" };
  const content = { ...item, values };
  switch (random.between(0, 3)) {
    case 0:
      return content;
    case 1:
      return { ...content, hash: contentHash(content) };
    case 2:
      return { ...item, version: Number.MAX_SAFE_INTEGER as WorkItem["version"] };
    default:
      return { ...item, desired: "absent", values: {} };
  }
}
