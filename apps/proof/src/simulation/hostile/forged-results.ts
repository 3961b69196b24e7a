/** Results that prove nothing, each with the kind of event that must come of it. */
import {
  contentHash,
  itemIdOf,
  type ItemResult,
  partCode,
  type SecurityEventKind,
  type WorkMessage,
  type WorkMessageResult,
} from "@postern/contracts";
import type { SeededRandom } from "../../kit/seeded-random";
import { annexPlace } from "../plan/sim-definition";
import type { Knowledge } from "./knowledge";
import { resultsOf } from "./results";

const DAY_MS = 86_400_000;

export interface ForgedResult {
  readonly result: WorkMessageResult;
  /** Any of these. */
  readonly expected: readonly SecurityEventKind[];
}

type Proof = WorkMessageResult["proof"];

/** Reports work that it never held, with a proof of other work, an invented one, or one that names another key. */
export function forgedResults(
  knowledge: Knowledge,
  random: SeededRandom,
  nowMs: number,
): ForgedResult[] {
  const work = knowledge.guess(random);
  if (work === undefined) return [];
  return resultsOf(work, random, nowMs).map((result): ForgedResult => {
    const own = knowledge.someTaken(random)?.work.proof;
    const code = own?.parts[0]?.code ?? inventedCode(random);
    const { at } = result.proof;
    const proof = random.pick<Proof>([
      { ...result.proof, code: inventedCode(random) },
      { ...result.proof, code },
      own === undefined ? { ...result.proof, code } : { key: own.key, at: own.at, code },
      { key: random.pick(["key-0", "key-1", "key-2"]), at, code },
      { key: "key-999", at, code },
    ]);
    const evil = random.chance(0.5) ? withEvilItems(result) : result;
    const expected: SecurityEventKind[] =
      proof.key === "key-999"
        ? ["key-unknown"]
        : proof.key === "key-2"
          ? ["code-wrong", "key-unknown"]
          : ["code-wrong"];
    return { result: { ...evil, proof }, expected };
  });
}

/** Whatever they were, they wait, with content and version of the sender's choice: true to its own ids and hashes. */
function withEvilItems(result: WorkMessageResult): WorkMessageResult {
  const version = Number.MAX_SAFE_INTEGER as ItemResult["version"];
  const items = result.items.map(({ entity }): ItemResult => {
    const content = {
      desired: "present" as const,
      object: "people",
      key: { id: entity.id },
      values: { display_name: "forged" },
    };
    const itemId = itemIdOf(result.definition, entity, version);
    const hash = contentHash(content);
    const item = { itemId, entity, version, ...content, hash };
    return { itemId, entity, version, hash, outcome: "waiting", item };
  });
  return { ...result, items };
}

/** Rearranges what it held: other items, other order, other borders, other facts, under codes that are true. */
export function twistedResults(
  knowledge: Knowledge,
  random: SeededRandom,
  nowMs: number,
): ForgedResult[] {
  const work = knowledge.someTaken(random)?.work;
  if (work === undefined) return [];
  const results = resultsOf(work, random, nowMs);
  const result = random.pick(results);
  const twisted = random.pick(twists)(result, { results, knowledge, random, work });
  return twisted === undefined ? [] : [twisted];
}

interface Materials {
  readonly results: readonly WorkMessageResult[];
  readonly work: WorkMessage;
  readonly knowledge: Knowledge;
  readonly random: SeededRandom;
}

type Twist = (result: WorkMessageResult, materials: Materials) => ForgedResult | undefined;

const wrong = (result: WorkMessageResult): ForgedResult => ({ result, expected: ["code-wrong"] });

/** Of all that a result can be given, what costs another its turn. */
const underAnotherId: Twist = (result, { knowledge, random }) => {
  const other = knowledge.guess(random);
  if (other === undefined || other.messageId === result.workMessageId) return undefined;
  return wrong({ ...result, workMessageId: other.messageId });
};

const twists: readonly Twist[] = [
  // Another order, one missing, one twice.
  (result) =>
    result.items.length < 2 ? undefined : wrong({ ...result, items: result.items.toReversed() }),
  (result) =>
    result.items.length < 2 ? undefined : wrong({ ...result, items: result.items.slice(1) }),
  (result) => {
    const [first] = result.items;
    if (first === undefined || result.items.length > 99) return undefined;
    return wrong({ ...result, items: [first, ...result.items] });
  },
  (result) => {
    const [first] = result.items;
    if (first === undefined || result.items.length < 2) return undefined;
    return wrong({ ...result, items: [...result.items.slice(0, -1), first] });
  },
  // All parts under the id of the first, borders moved, proofs exchanged.
  (result, { results }) => {
    if (results.length < 2) return undefined;
    return wrong({ ...result, items: results.flatMap(({ items }) => items) });
  },
  (_, { results: [one, two] }) => {
    const moved = two?.items[0];
    if (one === undefined || moved === undefined) return undefined;
    return wrong({ ...one, items: [...one.items, moved] });
  },
  (_, { results: [one, two] }) =>
    one === undefined || two === undefined ? undefined : wrong({ ...one, proof: two.proof }),
  (_, { results: [one, two] }) =>
    one === undefined || two === undefined
      ? undefined
      : wrong({ ...two, workMessageId: one.workMessageId }),
  // Under the id of another message, in another cycle, lane, stream, of another definition.
  underAnotherId,
  underAnotherId,
  underAnotherId,
  (result, { knowledge, random }) => {
    const other = knowledge.guess(random);
    if (other === undefined || other.cycleId === result.cycleId) return undefined;
    return wrong({ ...result, cycleId: other.cycleId });
  },
  (result, { knowledge, random }) => {
    const other = knowledge.guess(random);
    if (other === undefined || other.definition === result.definition) return undefined;
    const items = result.items.map((item) => ({
      ...item,
      itemId: itemIdOf(other.definition, item.entity, item.version),
    }));
    return wrong({ ...result, definition: other.definition, lane: other.lane, items });
  },
  (result) => wrong({ ...result, target: "spare" as WorkMessageResult["target"] }),
  (result) => wrong({ ...result, version: (result.version + 1) as WorkMessageResult["version"] }),
  // Items that are not the ones of the code.
  (result) => {
    const items = result.items.map((item) => {
      const version = (item.version + 1) as ItemResult["version"];
      return { ...item, version, itemId: itemIdOf(result.definition, item.entity, version) };
    });
    return wrong({ ...result, items });
  },
  (result) => {
    const items = result.items.map((item) => ({ ...item, hash: item.hash.replace(/./g, "0") }));
    return wrong({ ...result, items });
  },
  (result) => {
    const version = Number.MAX_SAFE_INTEGER as ItemResult["version"];
    const items = result.items.map((item) => ({ ...item, version }));
    return { result: { ...result, items }, expected: ["content-changed"] };
  },
  // A first attempt that never was, or was earlier.
  (result) => {
    const proof = { ...result.proof, firstAttemptAt: "2001-01-01T00:00:00.000Z" };
    return wrong({ ...result, proof });
  },
  (result) => {
    const proof = { ...result.proof, at: new Date(Date.parse(result.proof.at) + 1).toISOString() };
    return wrong({ ...result, proof });
  },
];

/** Codes that are right, of keys that have leaked: one that a person revoked, one of long ago. */
export function leakedResults(
  knowledge: Knowledge,
  random: SeededRandom,
  nowMs: number,
): ForgedResult[] {
  const work = knowledge.guess(random);
  if (work === undefined) return [];
  const leak = random.pick([...knowledge.leaked.entries()]);
  const [number, { id: key, secret }] = leak;
  // Nobody has revoked the ancient one: a code of its own time is too old, and one of the future not yet valid.
  const old = random.chance(0.5);
  const ancientMs = nowMs + (old ? -45 * DAY_MS : DAY_MS);
  const at = new Date(number > 0 ? nowMs : ancientMs).toISOString();
  const expected =
    number > 0
      ? ("key-revoked" as const)
      : old
        ? ("code-expired" as const)
        : ("code-not-yet-valid" as const);
  return resultsOf(work, random, nowMs).map((made): ForgedResult => {
    const result = withEvilItems(made);
    const { tenant, branch, group } = annexPlace;
    const facts = { ...result, tenant, branch, group, key, at, partId: result.workMessageId };
    const code = partCode(secret, { ...facts, firstAttemptAt: undefined });
    return { result: { ...result, proof: { key, at, code } }, expected: [expected] };
  });
}

export function inventedCode(random: SeededRandom): string {
  return Array.from({ length: 43 }, () => random.pick([..."abcdefghXYZ0189_-"])).join("");
}
