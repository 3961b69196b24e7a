/**
 * Batches in which rows are rejected because of their values, a missing row, or a value that another row has. In any
 * mixture, the inbox and the tables agree, and no row is rejected because of another one.
 */
import { expect } from "@jest/globals";
import fc from "fast-check";
import { assertVersionsRise, type ConformanceHarness, noPerson, person } from "../src/conformance";
import type { ApplyItem, ApplyResult } from "../src/connector";

const IDS = ["ann", "bob", "cid", "dan", "eve", "fay"] as const;
/** The manager of some of the others. */
const BOSS = "bob";
const KINDS = ["absent", "refused", "managed", "contender", "plain", "plain"] as const;

interface Step {
  readonly id: (typeof IDS)[number];
  readonly version: number;
}

/** An entity's state is a function of its version, so that the inbox determines what the target must hold. */
function kindOf({ id, version }: Step): (typeof KINDS)[number] {
  const kind = KINDS[(version + IDS.indexOf(id)) % KINDS.length] ?? "plain";
  return id === BOSS && kind === "managed" ? "plain" : kind;
}

function itemOf(step: Step): ApplyItem {
  const { id, version } = step;
  const own = { age: version, manager_id: null };
  switch (kindOf(step)) {
    case "absent":
      return noPerson(id, version);
    case "refused":
      return person(id, version, { ...own, age: -1 });
    case "managed":
      return person(id, version, { ...own, manager_id: BOSS });
    case "contender":
      return person(id, version, { ...own, upn: "wanted@contoso.example" });
    case "plain":
      return person(id, version, own);
  }
}

/** Whether the target can never have a reason to reject the item. */
function isInnocent(step: Step): boolean {
  const kind = kindOf(step);
  return kind === "plain" || (kind === "absent" && step.id !== BOSS);
}

const batches = fc.array(
  fc.uniqueArray(
    fc.record({ id: fc.constantFrom(...IDS), version: fc.integer({ min: 1, max: 30 }) }),
    { minLength: 1, maxLength: IDS.length, selector: ({ id }) => id },
  ),
  { minLength: 1, maxLength: 12 },
);

export interface RefusingHarness extends ConformanceHarness {
  /** Versions in the inbox, by id of the person. */
  readonly inbox: () => Promise<ReadonlyMap<string, number>>;
}

function expectResult(step: Step, before: number, after: number, result: ApplyResult): void {
  const { version } = step;
  const expected =
    before > version ? "superseded" : before === version ? "replayed" : result.outcome;
  expect([step, result.outcome]).toEqual([step, expected]);
  if (before >= version || result.outcome === "failed") {
    expect([step, after]).toEqual([step, before]);
  } else {
    expect(["applied", "unchanged"]).toContain(result.outcome);
    expect([step, after]).toEqual([step, version]);
  }
  if (before >= version) return;
  if (isInnocent(step)) expect([step, result.outcome === "failed"]).toEqual([step, false]);
  if (kindOf(step) === "refused") {
    expect(result).toMatchObject({ outcome: "failed", failure: { class: "permanent" } });
  }
}

/** What a row is before its manager is there. */
function firstStepOf({ id, version }: Step): unknown {
  return { id, age: version, manager_id: null, upn: `${id}@contoso.example` };
}

/** The rows that must exist according to the inbox, and those that wait for their manager. */
function rowsOf(
  inbox: ReadonlyMap<string, number>,
  begun: ReadonlyMap<string, unknown>,
): unknown[] {
  return IDS.flatMap((id) => {
    if (begun.has(id)) return [begun.get(id)];
    const version = inbox.get(id);
    const kind = version === undefined ? "absent" : kindOf({ id, version });
    if (kind === "absent") return [];
    return [
      {
        id,
        age: version,
        manager_id: kind === "managed" ? BOSS : null,
        upn: kind === "contender" ? "wanted@contoso.example" : `${id}@contoso.example`,
      },
    ];
  });
}

export async function expectRefusalsToStayAlone(
  makeHarness: () => Promise<RefusingHarness>,
  numRuns: number,
): Promise<void> {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(batches, async (deliveries) => {
      const harness = await makeHarness();
      // Two agents take turns, each with its own cached state of the target.
      const targets = [harness.open(), harness.open()] as const;
      const { signal } = new AbortController();
      const begun = new Map<string, unknown>();
      const everBegun = new Set<string>();
      try {
        for (const [number, batch] of deliveries.entries()) {
          const before = await harness.inbox();
          const target = number % 2 === 0 ? targets[0] : targets[1];
          const existing = new Set((await harness.people()).map(({ id }) => id));
          const results = await target.apply(batch.map(itemOf), { signal });
          const after = await harness.inbox();
          for (const [index, step] of batch.entries()) {
            const result = results[index];
            if (result === undefined) throw new Error("one result per item");
            expectResult(step, before.get(step.id) ?? 0, after.get(step.id) ?? 0, result);
            if (result.outcome === "failed") refused += 1;
            // It was tried once more after the rest, so its manager was not among them.
            if (kindOf(step) === "managed" && result.outcome === "failed") {
              expect(result.failure.class).toBe("dependency");
              expect((await harness.people()).map(({ id }) => id)).not.toContain(BOSS);
              if (!existing.has(step.id)) begun.set(step.id, firstStepOf(step));
              everBegun.add(step.id);
            } else if (result.outcome === "applied" || result.outcome === "unchanged") {
              begun.delete(step.id);
            }
          }
          const people = await harness.people();
          expect(
            people.map(({ id, age, manager_id, upn }) => ({ id, age, manager_id, upn })),
          ).toEqual(rowsOf(after, begun));
        }
        // A first step is written while the inbox still has the version before.
        const audit = await harness.audit();
        assertVersionsRise(audit.filter(({ key }) => !everBegun.has(key)));
      } finally {
        await Promise.all(targets.map((target) => target.close()));
        await harness.close();
      }
    }),
    { numRuns },
  );
  expect(refused).toBeGreaterThan(numRuns);
}
