import { expect } from "@jest/globals";
import fc from "fast-check";
import type { ApplyItem } from "../src/connector";
import { assertVersionsRise, type ConformanceHarness, noPerson, person } from "../src/conformance";

const IDS = ["ann", "bob", "cid"] as const;

interface Step {
  readonly id: (typeof IDS)[number];
  readonly version: number;
}

/** An entity's state is a function of its version, so neither a replay nor a reordering changes it. */
function itemOf({ id, version }: Step): ApplyItem {
  return version % 3 === 0 ? noPerson(id, version) : person(id, version, { age: version % 4 });
}

const step: fc.Arbitrary<Step> = fc.record({
  id: fc.constantFrom(...IDS),
  version: fc.integer({ min: 1, max: 12 }),
});

/**
 * Property: in whatever order, batches and repetitions versioned items arrive, the target ends in the state of the
 * highest version of each entity, and the audit sees each version at most once and in rising order.
 */
export async function expectAnyOrderToConverge(
  makeHarness: () => Promise<ConformanceHarness>,
  numRuns: number,
): Promise<void> {
  const batches = fc.array(
    fc.uniqueArray(step, { minLength: 1, maxLength: 3, selector: ({ id }) => id }),
    { minLength: 1, maxLength: 15 },
  );
  await fc.assert(
    fc.asyncProperty(batches, async (deliveries) => {
      const harness = await makeHarness();
      const target = harness.open();
      try {
        for (const batch of deliveries) {
          const results = await target.apply(batch.map(itemOf), {
            signal: new AbortController().signal,
          });
          expect(results.filter((result) => result.outcome === "failed")).toEqual([]);
        }
        const steps = deliveries.flat();
        const expected = IDS.flatMap((id) => {
          const version = Math.max(
            0,
            ...steps.filter((taken) => taken.id === id).map((taken) => taken.version),
          );
          return version === 0 || version % 3 === 0 ? [] : [{ id, age: version % 4 }];
        });
        const people = await harness.people();
        expect(people.map(({ id, age }) => ({ id, age }))).toEqual(expected);
        assertVersionsRise(await harness.audit());
      } finally {
        await target.close();
        await harness.close();
      }
    }),
    { numRuns },
  );
}

/** Property: any well-formed text is read back as it was written, whatever it means to SQL. */
export async function expectTextToRoundTrip(
  harness: ConformanceHarness,
  numRuns: number,
): Promise<void> {
  const target = harness.open();
  let version = 0;
  try {
    const texts = fc.array(fc.oneof(fc.string({ unit: "binary", maxLength: 200 }), sqlLike()), {
      minLength: 1,
      maxLength: 50,
    });
    await fc.assert(
      fc.asyncProperty(texts, async (values) => {
        version += 1;
        const stored = harness.storesNul
          ? values
          : values.map((value) => value.replaceAll("\0", ""));
        const batch = stored.map((value, index) =>
          person(`p${String(index).padStart(2, "0")}`, version, { display_name: value }),
        );
        const results = await target.apply(batch, { signal: new AbortController().signal });
        expect(results.filter((result) => result.outcome === "failed")).toEqual([]);
        const rows = await harness.people();
        expect(rows.slice(0, stored.length).map((row) => row.display_name)).toEqual(stored);
      }),
      { numRuns },
    );
  } finally {
    await target.close();
  }
}

const sqlLike = (): fc.Arbitrary<string> =>
  fc
    .array(
      fc.constantFrom(
        "'",
        '"',
        ";",
        "--",
        "/*",
        "*/",
        "\\",
        "$1",
        "?",
        "$$",
        "%",
        "_",
        " or 1=1",
        "\u2019",
        "é",
      ),
      {
        maxLength: 12,
      },
    )
    .map((parts) => parts.join(""));
