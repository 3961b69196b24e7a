import { expect } from "@jest/globals";
import fc from "fast-check";
import { applyItem, type ConformanceHarness } from "../src/conformance";
import type { ApplyItem } from "../src/connector";

const KEYS = ["E1", "E2", "E3"] as const;

/** One change at the source: `entity` comes to have the row `key`, changes, or leaves it. */
interface Event {
  readonly entity: string;
  readonly key: string;
  readonly version: number;
  readonly desired: "present" | "absent";
}

/** How one holder of a key ends: how often it changes before, and whether its successor's page comes first. */
interface Tenure {
  readonly entity: number;
  readonly changes: number;
  readonly successorFirst: boolean;
  /** Versions until the next event: none means that both events are in one page. */
  readonly gap: number;
}

const tenure: fc.Arbitrary<Tenure> = fc.record({
  entity: fc.integer({ min: 0, max: 2 }),
  changes: fc.integer({ min: 0, max: 2 }),
  successorFirst: fc.boolean(),
  gap: fc.integer({ min: 0, max: 2 }),
});

/**
 * The history of one key: holders follow each other, each entity has its own names so that it holds one key at a time,
 * and an entity may come back later. The last holder may stay.
 */
function historyOf(key: string, tenures: readonly Tenure[], lastStays: boolean): Event[] {
  const events: Event[] = [];
  let version = 1;
  let owed: Event | undefined;
  const add = (entity: string, desired: Event["desired"]): void => {
    events.push({ entity, key, version, desired });
  };
  const settle = (): void => {
    if (owed !== undefined) events.push({ ...owed, version });
    owed = undefined;
    version += 1;
  };
  const follows = tenures.filter(
    ({ entity }, index) => index === 0 || tenures[index - 1]?.entity !== entity,
  );
  for (const [index, { entity, changes, successorFirst, gap }] of follows.entries()) {
    const name = `${key}-${entity}`;
    add(name, "present");
    // The former holder's removal is in this page or in a later one.
    version += owed === undefined ? 1 : gap;
    settle();
    for (let change = 0; change < changes; change += 1) {
      add(name, "present");
      version += 1;
    }
    const isLast = index === follows.length - 1;
    if (isLast && lastStays) break;
    if (successorFirst && !isLast) owed = { entity: name, key, version, desired: "absent" };
    else {
      add(name, "absent");
      // No gap: the successor arrives in the same page.
      version += isLast ? 1 : gap;
    }
  }
  return events;
}

function itemOf({ entity, key, version, desired }: Event): ApplyItem {
  return applyItem({ type: "user", id: entity }, version, {
    desired,
    object: "people",
    key: { id: key },
    values: desired === "present" ? { upn: `${entity}@contoso.example`, age: version } : {},
  });
}

/** What the source holds in the end, which the table must equal. */
function modelOf(events: readonly Event[]): unknown[] {
  const last = new Map<string, Event>();
  for (const event of events) {
    const known = last.get(event.entity);
    if (known === undefined || known.version < event.version) last.set(event.entity, event);
  }
  return [...last.values()]
    .filter(({ desired }) => desired === "present")
    .map(({ entity, key, version }) => ({
      id: key,
      upn: `${entity}@contoso.example`,
      age: version,
    }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

const scenes = fc
  .tuple(
    ...KEYS.map(() => fc.tuple(fc.array(tenure, { minLength: 1, maxLength: 5 }), fc.boolean())),
  )
  .map((keys) =>
    keys.flatMap(([tenures, lastStays], index) =>
      historyOf(KEYS[index] ?? "E0", tenures, lastStays),
    ),
  )
  .chain((events) =>
    fc.record({
      events: fc.constant(events),
      order: fc.shuffledSubarray(events, { minLength: events.length }),
      repeated: fc.subarray(events),
      sizes: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 10 }),
    }),
  );

/** Batches of the given sizes, in turn. A batch holds each entity once. */
function batchesOf(order: readonly Event[], sizes: readonly number[]): Event[][] {
  const batches: Event[][] = [];
  let batch: Event[] = [];
  for (const event of order) {
    const size = sizes[batches.length % sizes.length] ?? 1;
    if (batch.length >= size || batch.some(({ entity }) => entity === event.entity)) {
      batches.push(batch);
      batch = [];
    }
    batch.push(event);
  }
  return batch.length > 0 ? [...batches, batch] : batches;
}

/**
 * Property: keys pass from entity to entity, the changes arrive in any order, in any batches, at two agents, some of
 * them twice; items that have to wait come again. In the end the table is what the source is.
 */
export async function expectKeysToPassOn(
  makeHarness: () => Promise<ConformanceHarness>,
  numRuns: number,
): Promise<void> {
  let waited = 0;
  await fc.assert(
    fc.asyncProperty(scenes, async ({ events, order, repeated, sizes }) => {
      const harness = await makeHarness();
      const targets = [harness.open(), harness.open()] as const;
      const { signal } = new AbortController();
      try {
        let open: readonly Event[] = [...order, ...repeated];
        for (let round = 0; open.length > 0 && round < 5; round += 1) {
          const waiting: Event[] = [];
          for (const [number, batch] of batchesOf(open, sizes).entries()) {
            const target = number % 2 === 0 ? targets[0] : targets[1];
            const results = await target.apply(batch.map(itemOf), { signal });
            for (const [index, result] of results.entries()) {
              const event = batch[index];
              if (event === undefined || !("failure" in result)) continue;
              expect(result.failure).toMatchObject({ class: "dependency" });
              waiting.push(event);
            }
          }
          waited += waiting.length;
          open = waiting;
        }
        expect(open).toEqual([]);
        const people = await harness.people();
        expect(people.map(({ id, upn, age }) => ({ id, upn, age }))).toEqual(modelOf(events));
      } finally {
        await Promise.all(targets.map((target) => target.close()));
        await harness.close();
      }
    }),
    { numRuns },
  );
  // Otherwise the histories never had a holder arrive after its successor.
  expect(waited).toBeGreaterThan(0);
}
