import { describe, expect, test } from "@jest/globals";
import {
  type AuthenticationCode,
  contentHash,
  type DefinitionId,
  type EntityRef,
  type GroupName,
  historyTtlSeconds,
  isSameCode,
  itemIdOf,
  laneOf,
  partCode,
  type PartFacts,
  provenProperties,
  stampedParts,
  type Version,
  type WorkItem,
  type WorkMessage,
  type WorkMessageResult,
  workProof,
} from "@postern/contracts";
import fc from "fast-check";
import { testKey, testSigner } from "../../test/test-keys";
import type { KeyFinding } from "../ports/work-keys";
import { clockToleranceMs, codeLifeMs } from "./code-check";
import { checkEnvelope, envelopeOf } from "./envelope-check";
import { checkResult, checkWork, type Holder, provenItem } from "./part-check";
import { withoutCodes } from "./without-codes";

const key = testKey("first-key");
const known: KeyFinding = { kind: "known", key };
const definition = "people" as DefinitionId;
const holder: Holder = {
  tenant: "7d8ed8a5-9a0c-4d38-8d1c-5b1b1f5c0001" as Holder["tenant"],
  branch: "oslo" as Holder["branch"],
  group: "main" as GroupName,
};

function itemOf(n: number, text = "x"): WorkItem {
  const entity: EntityRef = { type: "user", id: `u${n}` };
  const version = 1_800_000_000_000 as Version;
  const content = { desired: "present", object: "people", key: { n }, values: { text } } as const;
  const itemId = itemIdOf(definition, entity, version);
  return { itemId, entity, version, ...content, hash: contentHash(content) };
}

function messageOf(items: WorkItem[], more: Partial<WorkMessage> = {}): WorkMessage {
  const message = {
    messageId: "people:1800000000000.03.0#0",
    ...holder,
    definition,
    stream: "users",
    target: "db",
    lane: laneOf(definition, { type: "user", id: "u1" }),
    cycleId: "c1",
    version: 1_800_000_000_000,
    items,
    ...more,
  } as Omit<WorkMessage, "proof">;
  return { ...message, proof: workProof(testSigner(key), message) };
}

/** What an agent that holds the message reports of its parts. */
function resultsOf(message: WorkMessage): WorkMessageResult[] {
  const { key: id, at } = message.proof;
  return stampedParts(message).map(({ id: partId, from, to, code }) => ({
    workMessageId: partId,
    definition: message.definition,
    stream: message.stream,
    target: message.target,
    lane: message.lane,
    cycleId: message.cycleId,
    ...(message.jobId === undefined ? {} : { jobId: message.jobId }),
    version: message.version,
    items: message.items.slice(from, to).map((item) => ({
      itemId: item.itemId,
      entity: item.entity,
      version: item.version,
      hash: item.hash,
      outcome: "waiting" as const,
      item,
    })),
    proof: {
      key: id,
      at,
      ...(message.firstAttemptAt === undefined ? {} : { firstAttemptAt: message.firstAttemptAt }),
      code,
    },
  }));
}

const problemOf = (
  result: WorkMessageResult,
  {
    finding = known,
    of = holder,
    nowMs = Date.now(),
  }: { finding?: KeyFinding; of?: Holder; nowMs?: number } = {},
): string => {
  const check = checkResult(of, result, finding, nowMs);
  return check.proven ? "none" : check.problem;
};

const two = messageOf([itemOf(1), itemOf(2)]);
const [result] = resultsOf(two);
if (result === undefined) throw new Error("a message has a part");

describe("a result", () => {
  test("of work that its sender held proves itself, also part by part", () => {
    const wide = messageOf(Array.from({ length: 6 }, (_, n) => itemOf(n, "w".repeat(30_000))));
    const parts = resultsOf(wide);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.map((part) => problemOf(part))).toEqual(parts.map(() => "none"));
    // A part with the code of another is none.
    const [first, second] = parts;
    if (first === undefined || second === undefined) throw new Error("two parts");
    expect(problemOf({ ...first, proof: second.proof })).toBe("code-wrong");
    expect(problemOf({ ...second, workMessageId: first.workMessageId })).toBe("code-wrong");
  });

  const [one, other] = result.items;
  if (one === undefined || other === undefined) throw new Error("two items");
  test.each<[string, Partial<WorkMessageResult>]>([
    ["another target", { target: "other" as never }],
    ["another definition", { definition: "groups" as never }],
    ["another stream", { stream: "groups" }],
    ["another lane", { lane: "people/15" as never }],
    ["another cycle", { cycleId: "c2" as never }],
    ["a job", { jobId: "j1" as never }],
    ["another version", { version: 1_800_000_000_001 as Version }],
    ["another message", { workMessageId: "people:1800000000000.03.1#0" as never }],
    ["an item less", { items: [one] }],
    ["an item more", { items: [one, other, other] }],
    ["an item twice", { items: [one, one] }],
    ["its items in another order", { items: [other, one] }],
    ["another hash", { items: [{ ...one, hash: other.hash }, other] }],
    [
      "another time of the first attempt",
      { proof: { ...result.proof, firstAttemptAt: "2026-01-01T00:00:00.000Z" } },
    ],
    ["another time", { proof: { ...result.proof, at: new Date(0).toISOString() } }],
    ["an invented code", { proof: { ...result.proof, code: "A".repeat(43) } }],
  ])("with %s proves nothing", (_what, changed) => {
    expect(problemOf({ ...result, ...changed })).not.toBe("none");
  });

  test("of an item whose id names another entity or version proves nothing", () => {
    const highest = Number.MAX_SAFE_INTEGER as Version;
    for (const changed of [
      { ...one, version: highest },
      { ...one, entity: other.entity },
      { ...one, itemId: other.itemId },
    ]) {
      expect(problemOf({ ...result, items: [changed, other] })).toBe("content-changed");
    }
    // Two entities, one key: `g/m` and `g:m`.
    const membership = { type: "membership", id: "g/m" } as const;
    const itemId = itemIdOf(definition, membership, one.version);
    const [reported] = resultsOf(messageOf([{ ...itemOf(1), entity: membership, itemId }]));
    const [held] = reported?.items ?? [];
    if (reported === undefined || held === undefined) throw new Error("an item");
    expect(problemOf(reported)).toBe("none");
    const twin = { ...held, entity: { ...membership, id: "g:m" } };
    expect(problemOf({ ...reported, items: [twin] })).toBe("code-wrong");
  });

  test("that came in another group's queue, tenant or branch proves nothing", () => {
    expect(problemOf(result, { of: { ...holder, group: "second" as GroupName } })).toBe(
      "code-wrong",
    );
    expect(problemOf(result, { of: { ...holder, branch: "bergen" as never } })).toBe("code-wrong");
    expect(problemOf(result, { of: { ...holder, tenant: "t" as never } })).toBe("code-wrong");
  });

  test("of a key that is revoked or not there says which", () => {
    expect(problemOf(result, { finding: { kind: "revoked" } })).toBe("key-revoked");
    expect(problemOf(result, { finding: { kind: "unknown" } })).toBe("key-unknown");
  });

  test("counts from the hour before its time until a day before its marker may go", () => {
    const atMs = Date.parse(result.proof.at);
    const minuteMs = 60_000;
    expect(problemOf(result, { nowMs: atMs - clockToleranceMs + minuteMs })).toBe("none");
    expect(problemOf(result, { nowMs: atMs - clockToleranceMs - minuteMs })).toBe(
      "code-not-yet-valid",
    );
    expect(problemOf(result, { nowMs: atMs + codeLifeMs - minuteMs })).toBe("none");
    expect(problemOf(result, { nowMs: atMs + codeLifeMs + minuteMs })).toBe("code-expired");
    expect(codeLifeMs + clockToleranceMs).toBeLessThan(historyTtlSeconds * 1_000);
  });

  test("counts also when its key signs no more", () => {
    const over = { ...key, signsUntilMs: Date.parse(result.proof.at) - 1 };
    expect(problemOf(result, { finding: { kind: "known", key: over } })).toBe("none");
  });
});

describe("the item that a result gives back", () => {
  const [one, other] = result.items;
  if (one?.item === undefined || other?.item === undefined) throw new Error("two items");
  const { item } = one;

  test("goes on when it is what went out, and nothing that was added to it", () => {
    const more = { ...item, colour: "red" } as WorkItem;
    expect(provenItem({ ...one, item: more })).toEqual(item);
  });

  test.each<[string, WorkItem | undefined]>([
    ["none", undefined],
    ["another item", other.item],
    ["another value", { ...item, values: { text: "y" } }],
    ["another key", { ...item, key: { n: 2 } }],
    ["a removal", { ...item, desired: "absent" }],
    ["another table", { ...item, object: "salaries" }],
    ["another version", { ...item, version: (item.version + 1) as Version }],
    ["another entity", { ...item, entity: other.item.entity }],
    ["a hash that fits its content", { ...itemOf(1, "y") }],
  ])("does not go on when it is %s", (_what, changed) => {
    expect(provenItem({ ...one, item: changed })).toBeUndefined();
  });
});

describe("a work message", () => {
  test("proves itself as a whole", () => {
    expect(checkWork(holder, two, known, Date.now())).toEqual({ proven: true });
  });

  test.each<[string, Partial<WorkMessage>]>([
    ["another item", { items: [itemOf(1), itemOf(3)] }],
    ["other content", { items: [itemOf(1), { ...itemOf(2), values: { text: "y" } }] }],
    ["another target", { target: "other" as never }],
    ["another first attempt", { firstAttemptAt: "2026-01-01T00:00:00.000Z" }],
    [
      "other borders",
      {
        proof: {
          ...two.proof,
          parts: [
            { to: 1, code: two.proof.parts[0]?.code ?? "" },
            { to: 2, code: two.proof.parts[0]?.code ?? "" },
          ],
        },
      },
    ],
  ])("with %s proves nothing", (_what, changed) => {
    expect(checkWork(holder, { ...two, ...changed }, known, Date.now())).toMatchObject({
      proven: false,
    });
  });
});

describe("the properties of a message", () => {
  const properties = {
    "cloudEvents:type": "postern.sync.apply.v1",
    ...provenProperties(testSigner(key), {
      ...two,
      type: "postern.sync.apply.v1",
      count: 2,
      bodyHash: "ab".repeat(32),
    }),
  };
  const check = (changed: Record<string, unknown>, messageId: string = two.messageId) =>
    checkEnvelope(
      envelopeOf(holder, messageId, { ...properties, ...changed }),
      () => known,
      Date.now(),
    );

  test("prove themselves, numbers as text included", () => {
    expect(check({})).toEqual({ proven: true });
    expect(check({ "postern:version": String(two.version) })).toEqual({ proven: true });
  });

  const said = Object.keys(properties).filter((name) => name !== "postern:group");
  test.each(said)("prove nothing with another %s, or without it", (name) => {
    const other = typeof properties[name as keyof typeof properties] === "number" ? 1 : "x";
    expect(check({ [name]: undefined }).proven).toBe(false);
    expect(check({ [name]: other }).proven).toBe(false);
  });

  test("are of the group whose queue they came in, whatever they say", () => {
    expect(check({ "postern:group": "second" })).toEqual({ proven: true });
    const second = { ...holder, group: "second" as GroupName };
    const envelope = envelopeOf(second, two.messageId, properties);
    expect(checkEnvelope(envelope, () => known, Date.now()).proven).toBe(false);
  });

  test("prove nothing under another message id", () => {
    expect(check({}, `${two.messageId}~p1`).proven).toBe(false);
  });
});

test("no two lists of facts have one code, whatever their texts", () => {
  const text = fc.string({ maxLength: 12 });
  const facts = fc.record({
    ...{ key: text, at: text, tenant: text, branch: text, group: text, target: text },
    ...{ definition: text, stream: text, lane: text, cycleId: text, partId: text },
    version: fc.nat(),
    jobId: fc.option(text, { nil: undefined }),
    firstAttemptAt: fc.option(text, { nil: undefined }),
    items: fc.array(
      fc.record({
        itemId: text,
        entity: fc.record({ type: text, id: text }),
        version: fc.nat(),
        hash: text,
      }),
      { maxLength: 3 },
    ),
  }) as fc.Arbitrary<unknown> as fc.Arbitrary<PartFacts>;
  const codeOf = (of: PartFacts): AuthenticationCode => partCode(key.secret, of);
  fc.assert(
    fc.property(facts, facts, (a, b) => {
      const same = JSON.stringify(Object.entries(a)) === JSON.stringify(Object.entries(b));
      expect(isSameCode(codeOf(a), codeOf(b))).toBe(same);
      // A border between two texts is no place to hide.
      const moved = { ...a, target: `${a.target}${a.definition}`, definition: "" } as PartFacts;
      expect(codeOf(moved) === codeOf(a)).toBe(a.definition === ("" as never));
    }),
  );
});

test("a text that people may see holds no code, also in JSON within JSON", () => {
  const text = JSON.stringify(two);
  const code = two.proof.parts[0]?.code ?? "";
  expect(text).toContain(code);
  expect(withoutCodes(text)).not.toContain(code);
  expect(withoutCodes(JSON.stringify({ payload: text }))).not.toContain(code);
  const bare = "\\".repeat(1_000_000);
  expect(withoutCodes(bare)).toBe(bare);
  const almost = `"code${bare}"code"${" ".repeat(1_000_000)}:${bare}`;
  expect(withoutCodes(almost)).toBe(almost);
  expect(withoutCodes('{"code":"target-rejected"}')).toBe('{"code":"target-rejected"}');
});
