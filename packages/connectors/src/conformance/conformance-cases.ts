/**
 * What every connector must do. The cases need no test framework: each takes a fresh harness and throws if the
 * connector does not meet the requirement.
 */
import assert from "node:assert/strict";
import type { ApplyItem, Target } from "../connector";
import type { ConformanceHarness, PersonRow } from "./harness";
import { applyItem, claimant, member, noPerson, person } from "./items";
import { outcomesOf } from "./outcomes";

export interface ConformanceCase {
  readonly name: string;
  readonly run: (harness: ConformanceHarness) => Promise<void>;
}

const never = new AbortController().signal;

/** Hostile texts go into `upn` too, which is unique, and databases limit the length of an indexed value. */
const USER_NAME_CHARS = 500;

async function apply(target: Target, ...items: ApplyItem[]): Promise<string[]> {
  const results = await target.apply(items, { signal: never });
  assert.equal(results.length, items.length, "one result per item");
  return outcomesOf(results);
}

async function withTarget(
  harness: ConformanceHarness,
  work: (target: Target) => Promise<void>,
): Promise<void> {
  const target = harness.open();
  try {
    await work(target);
  } finally {
    await target.close();
  }
}

async function onlyPerson(harness: ConformanceHarness): Promise<PersonRow> {
  const [row, ...others] = await harness.people();
  assert.ok(row, "there is a person");
  assert.equal(others.length, 0, "there is one person");
  return row;
}

const one = (
  name: string,
  work: (target: Target, harness: ConformanceHarness) => Promise<void>,
) => ({
  name,
  run: (harness: ConformanceHarness) => withTarget(harness, (target) => work(target, harness)),
});

/** Texts that break naive quoting, encoding or object handling. */
export const hostileTexts = [
  "'; drop table people; --",
  `"quoted" and \`ticked\` and [bracketed]`,
  "back\\slash \\' \\u0041 %s ? $1 :name @p1 {{x}} ${x}",
  "line\nfeed\r\nand\ttab",
  "Zoë Ångström, Łukasz Żółć, 山田太郎, עברית, العربية",
  "👩‍👩‍👧‍👦🏴󠁧󠁢󠁳󠁣󠁴󠁿 e\u0301 \u202e",
  "__proto__",
  "constructor",
  "=cmd|' /C calc'!A0",
  "NULL",
  "  spaces around  ",
  "\u0001\u001f\u007f\ufffe\uffff",
  "x".repeat(32_768),
] as const;

export const conformanceCases: readonly ConformanceCase[] = [
  one("reports its product to a probe", async (target) => {
    const probe = await target.probe({ signal: never });
    assert.equal(probe.reachable, true, probe.reason);
    assert.match(probe.product ?? "", /\d/);
  }),
  one("inserts, updates and deletes", async (target, harness) => {
    assert.deepEqual(await apply(target, person("ann", 1, { age: 30, enabled: true })), [
      "applied",
    ]);
    assert.deepEqual(await apply(target, person("ann", 2, { age: 31, enabled: false })), [
      "applied",
    ]);
    const row = await onlyPerson(harness);
    assert.deepEqual([row.age, row.enabled], [31, false]);
    assert.deepEqual(await apply(target, noPerson("ann", 3)), ["applied"]);
    assert.deepEqual(await harness.people(), []);
    assert.deepEqual(
      (await harness.audit()).map((entry) => [entry.change, entry.version]),
      [
        ["insert", 1],
        ["update", 2],
        ["delete", 3],
      ],
    );
  }),
  one("writes nothing when a version is delivered twice", async (target, harness) => {
    await apply(target, person("ann", 5), person("bob", 5));
    assert.deepEqual(await apply(target, person("ann", 5), person("bob", 5)), [
      "replayed",
      "replayed",
    ]);
    assert.equal((await harness.audit()).length, 2);
  }),
  one("writes nothing when the content is already there", async (target, harness) => {
    const values = { display_name: "Ann", age: 0, enabled: false };
    await apply(target, person("ann", 1, values));
    assert.deepEqual(await apply(target, person("ann", 2, values), person("bob", 2)), [
      "unchanged",
      "applied",
    ]);
    assert.equal((await harness.audit()).length, 2);
    assert.deepEqual(await apply(target, person("ann", 1, { age: 9 })), ["superseded"]);
  }),
  one("ignores a version older than the one it holds", async (target, harness) => {
    await apply(target, person("ann", 7, { age: 7 }));
    assert.deepEqual(await apply(target, person("ann", 6, { age: 6 })), ["superseded"]);
    assert.equal((await onlyPerson(harness)).age, 7);
  }),
  one("does not restore an entity that a newer version deleted", async (target, harness) => {
    await apply(target, person("ann", 1));
    await apply(target, noPerson("ann", 3));
    assert.deepEqual(await apply(target, person("ann", 2)), ["superseded"]);
    assert.deepEqual(await harness.people(), []);
    assert.deepEqual(await apply(target, person("ann", 4)), ["applied"]);
    assert.equal((await harness.people()).length, 1);
  }),
  one("accepts the delete of an entity that was never there", async (target) => {
    assert.deepEqual(await apply(target, noPerson("ann", 1)), ["unchanged"]);
    assert.deepEqual(await apply(target, noPerson("ann", 1)), ["replayed"]);
  }),
  one("stores members, whose rows consist of a key only", async (target, harness) => {
    const results = await apply(target, member("g1", "ann", 1), member("g1", "bob", 1));
    assert.deepEqual(results, ["applied", "applied"]);
    const again = await apply(
      target,
      member("g1", "ann", 2, "absent"),
      member("g1", "bob", 2),
      member("g2", "ann", 2),
    );
    assert.deepEqual(again, ["applied", "unchanged", "applied"]);
    assert.deepEqual(await harness.members(), ["g1/bob", "g2/ann"]);
  }),
  one("applies a mixed batch and returns the results in order", async (target, harness) => {
    await apply(target, person("ann", 1), person("bob", 1), member("g1", "ann", 1));
    const results = await apply(
      target,
      noPerson("bob", 2),
      person("cid", 2, { age: 3 }),
      member("g1", "ann", 2, "absent"),
      person("ann", 1),
      member("g1", "cid", 2),
    );
    assert.deepEqual(results, ["applied", "applied", "applied", "replayed", "applied"]);
    assert.deepEqual(
      (await harness.people()).map((row) => row.id),
      ["ann", "cid"],
    );
    assert.deepEqual(await harness.members(), ["g1/cid"]);
  }),
  one("applies the other items of a batch when some fail", async (target, harness) => {
    const batch = Array.from({ length: 100 }, (_, index) =>
      person(`p${String(index).padStart(3, "0")}`, 1, {
        age: [17, 64].includes(index) ? -1 : index,
      }),
    );
    const results = await apply(target, ...batch);
    const bad = results.flatMap((result, index) => (result === "applied" ? [] : [index]));
    assert.deepEqual(bad, [17, 64]);
    assert.equal(results[17], "failed permanent target-rejected");
    assert.equal((await harness.people()).length, 98);
    // Nothing of a failed item was written, not even its inbox row: the corrected item may carry the same version.
    assert.deepEqual(await apply(target, person("p017", 1, { age: 17 })), ["applied"]);
  }),
  one(
    "reports a missing reference and a taken unique value as dependencies, and applies the items later",
    async (target) => {
      await apply(target, person("ann", 1, { upn: "shared" }));
      assert.deepEqual(
        await apply(
          target,
          person("bob", 1, { upn: "shared" }),
          person("cid", 1, { manager_id: "x" }),
        ),
        ["failed dependency target-conflict", "failed dependency target-reference-missing"],
      );
      assert.deepEqual(
        await apply(target, person("bob", 1, { upn: "shared" }), person("ann", 2), person("x", 1)),
        ["applied", "applied", "applied"],
      );
      assert.deepEqual(await apply(target, person("cid", 1, { manager_id: "x" })), ["applied"]);
    },
  ),
  one("names an unknown object or column and the closest known one", async (target) => {
    const wrongTable = applyItem({ type: "user", id: "ann" }, 1, {
      desired: "present",
      object: "peopel",
      key: { id: "ann" },
      values: {},
    });
    const wrongColumn = person("bob", 1, { dispaly_name: "Bob" });
    const results = await target.apply([wrongTable, wrongColumn, person("cid", 1)], {
      signal: never,
    });
    assert.deepEqual(outcomesOf(results), [
      "failed permanent target-object-missing",
      "failed permanent target-column-missing",
      "applied",
    ]);
    const messages = results.map((result) => ("failure" in result ? result.failure.message : ""));
    assert.match(messages[0] ?? "", /people/);
    assert.match(messages[1] ?? "", /display_name/);
  }),
  one("stores hostile text unchanged", async (target, harness) => {
    const batch = hostileTexts.map((text, index) =>
      person(`h${String(index).padStart(2, "0")}`, 1, {
        display_name: text,
        upn: `${index}${text.slice(0, USER_NAME_CHARS)}`,
      }),
    );
    const results = await apply(target, ...batch);
    assert.deepEqual(new Set(results), new Set(["applied"]));
    const rows = await harness.people();
    assert.deepEqual(
      rows.map((row) => row.display_name),
      [...hostileTexts],
    );
    const replayed = await apply(
      target,
      ...batch.map(({ item }, index) => person(item.entity.id, 2, { ...item.values, age: index })),
    );
    assert.deepEqual(new Set(replayed), new Set(["applied"]));
  }),
  one("accepts hostile text as a key", async (target, harness) => {
    const ids = hostileTexts.filter((text) => text.length <= 200);
    await apply(target, ...ids.map((id) => person(id, 1)));
    assert.deepEqual((await harness.people()).map((row) => row.id).toSorted(), [...ids].toSorted());
    const deleted = await apply(target, ...ids.map((id) => noPerson(id, 2)));
    assert.deepEqual(new Set(deleted), new Set(["applied"]));
    assert.deepEqual(await harness.people(), []);
  }),
  one("stores or rejects NUL, and never truncates the text at it", async (target, harness) => {
    const [result] = await apply(target, person("ann", 1, { display_name: "before\0after" }));
    if (harness.storesNul) assert.equal((await onlyPerson(harness)).display_name, "before\0after");
    else assert.equal(result, "failed permanent target-rejected");
  }),
  one(
    "rejects an unpaired surrogate instead of storing something else",
    async (target, harness) => {
      const results = await apply(
        target,
        person("ann", 1, { display_name: "\ud83d" }),
        person("bob", 1),
      );
      assert.deepEqual(results, ["failed permanent target-rejected", "applied"]);
      assert.equal((await onlyPerson(harness)).id, "bob");
    },
  ),
  one("distinguishes null from the empty text", async (target, harness) => {
    await apply(target, person("ann", 1, { display_name: "" }), person("bob", 1));
    const names = async () => (await harness.people()).map((row) => row.display_name);
    assert.deepEqual(await names(), ["", null]);
    const results = await apply(target, person("ann", 2), person("bob", 2, { display_name: "" }));
    assert.deepEqual(results, ["applied", "applied"]);
    assert.deepEqual(await names(), [null, ""]);
  }),
  one(
    "converts a value to its column's type, or rejects it without repeating it",
    async (target, harness) => {
      await apply(target, person("ann", 1, { display_name: 12, age: "42", enabled: "true" }));
      const row = await onlyPerson(harness);
      assert.deepEqual([row.display_name, row.age, row.enabled], ["12", 42, true]);
      const refused = [
        { age: "secret-word" },
        { age: 1.5 },
        { enabled: "perhaps-secret" },
        { age: "" },
      ];
      for (const values of refused) {
        const [result] = await target.apply([person("bob", 1, values)], { signal: never });
        assert.ok(result && "failure" in result, `${JSON.stringify(values)} is rejected`);
        assert.deepEqual(outcomesOf([result]), ["failed permanent target-rejected"]);
        assert.match(result.failure.message, /people/);
        assert.doesNotMatch(result.failure.message, /secret/);
      }
    },
  ),
  one("rejects an item without a value for its key", async (target) => {
    const keyless = applyItem({ type: "user", id: "ann" }, 1, {
      desired: "present",
      object: "people",
      key: { id: null },
      values: { upn: "x" },
    });
    assert.deepEqual(await apply(target, keyless), ["failed permanent target-rejected"]);
  }),
  one("writes nothing once the signal is aborted", async (target, harness) => {
    const stop = new AbortController();
    const reason = new Error("the lane's lock was lost");
    stop.abort(reason);
    await assert.rejects(
      target.apply([person("ann", 1)], { signal: stop.signal }),
      (error) => error === reason,
    );
    assert.deepEqual(await harness.people(), []);
  }),
  one("writes nothing of a batch that is aborted before its commit", async (target, harness) => {
    await apply(target, person("warm-up", 1));
    const stop = new AbortController();
    const reason = new Error("the lane's lock was lost");
    const batch = Array.from({ length: 100 }, (_, index) => person(`p${index}`, 1));
    const applying = target.apply(batch, { signal: stop.signal });
    stop.abort(reason);
    await assert.rejects(applying, (error) => error === reason);
    assert.equal((await harness.people()).length, 1);
    assert.deepEqual(new Set(await apply(target, ...batch)), new Set(["applied"]));
  }),
  one(
    "gives a row to its newest claimant, even when another item of the batch fails",
    async (target, harness) => {
      for (const [version, desired] of [
        [5, "absent"],
        [15, "present"],
      ] as const) {
        // The newest comes first by name: the order of entities must not decide.
        const results = await apply(
          target,
          claimant("a", version + 4, "present"),
          person("b", version),
          person("c", version, { age: -1 }),
          person("d", version),
          claimant("z", version, desired),
        );
        assert.deepEqual([results[0], results[2]], ["applied", "failed permanent target-rejected"]);
        const shared = (await harness.people()).find(({ id }) => id === "shared");
        assert.equal(shared?.upn, "a");
      }
    },
  ),
  {
    name: "never lowers a version when two agents write the same entities",
    run: (harness) =>
      withTarget(harness, (first) =>
        withTarget(harness, async (second) => {
          const ids = ["ann", "bob", "cid"];
          const batch = (version: number) => ids.map((id) => person(id, version, { age: version }));
          const versions = Array.from({ length: 20 }, (_, index) => index + 1);
          const orders = [
            versions.toSorted((a, b) => ((a * 7) % 20) - ((b * 7) % 20)),
            versions.toSorted((a, b) => ((a * 3) % 20) - ((b * 3) % 20)),
          ];
          await Promise.all(
            [first, second].map(async (target, side) => {
              for (const version of orders[side] ?? []) {
                const results = await apply(target, ...batch(version));
                const accepted = new Set(["applied", "replayed", "superseded"]);
                assert.ok(
                  results.every((result) => accepted.has(result)),
                  results.join(),
                );
              }
            }),
          );
          for (const row of await harness.people()) assert.equal(row.age, 20);
          assertVersionsRise(await harness.audit());
        }),
      ),
  },
];

/** Each version of an entity appears at most once, and never after a newer one. */
export function assertVersionsRise(audit: readonly { key: string; version: number }[]): void {
  const last = new Map<string, number>();
  for (const { key, version } of audit) {
    assert.ok(version > (last.get(key) ?? 0), `${key}: ${version} after ${last.get(key)}`);
    last.set(key, version);
  }
}
