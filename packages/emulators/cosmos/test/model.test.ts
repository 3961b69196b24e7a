/**
 * The emulator against a plain map: whatever the order of writes with current, stale or no etags, alone or in a batch,
 * the results and the remaining documents are those of the map.
 */
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Container, OperationInput } from "@azure/cosmos";
import { testAccount } from "./account";

const account = testAccount();

type Kind = "Create" | "Upsert" | "Replace" | "Delete" | "Patch" | "Read";
interface Step {
  readonly kind: Kind;
  readonly id: string;
  readonly n: number;
  readonly etag: "none" | "current" | "stale";
}
interface Entry {
  readonly n: number;
  /** Etag of this version; unknown until the reply to the batch that wrote it. */
  readonly etag: string | undefined;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom<Kind>("Create", "Upsert", "Replace", "Delete", "Patch", "Read"),
  id: fc.constantFrom("a", "b", "c"),
  n: fc.integer({ min: 0, max: 99 }),
  etag: fc.constantFrom("none", "none", "current", "stale"),
});

const STALE = '"00000000-0000-0000-0000-000000000000"';

/** What the service returns for a step, and what it leaves. */
function predict(
  map: ReadonlyMap<string, Entry>,
  step: Step,
): { status: number; after: number | undefined } {
  const current = map.get(step.id);
  const before = current?.n;
  if (current === undefined) {
    const creates = step.kind === "Create" || step.kind === "Upsert";
    return creates ? { status: 201, after: step.n } : { status: 404, after: undefined };
  }
  if (step.kind === "Create") return { status: 409, after: before };
  const conditional = step.kind !== "Read";
  if (conditional && step.etag === "stale") return { status: 412, after: before };
  switch (step.kind) {
    case "Delete":
      return { status: 204, after: undefined };
    case "Read":
      return { status: 200, after: before };
    case "Patch":
      return { status: 200, after: current.n + step.n };
    case "Upsert":
    case "Replace":
      return { status: 200, after: step.n };
  }
}

function operation(
  map: ReadonlyMap<string, Entry>,
  { kind, id, n, etag }: Step,
  pk: string,
): OperationInput {
  const current = map.get(id)?.etag;
  const condition = etag === "stale" ? STALE : etag === "current" ? current : undefined;
  const ifMatch = condition === undefined ? {} : { ifMatch: condition };
  switch (kind) {
    case "Create":
      return { operationType: kind, resourceBody: { id, pk, n } };
    case "Upsert":
      return { operationType: kind, resourceBody: { id, pk, n }, ...ifMatch };
    case "Replace":
      return { operationType: kind, id, resourceBody: { id, pk, n }, ...ifMatch };
    case "Delete":
      return { operationType: kind, id, ...ifMatch };
    case "Patch":
      return {
        operationType: kind,
        id,
        resourceBody: [{ op: "incr", path: "/n", value: n }],
        ...ifMatch,
      };
    case "Read":
      return { operationType: kind, id };
  }
}

async function contents(container: Container, pk: string): Promise<Record<string, number>> {
  const { resources } = await container.items
    .query<{ id: string; n: number }>("SELECT c.id, c.n FROM c", { partitionKey: pk })
    .fetchAll();
  return Object.fromEntries(resources.map(({ id, n }) => [id, n]));
}

function expected(map: ReadonlyMap<string, Entry>): Record<string, number> {
  return Object.fromEntries([...map].map(([id, { n }]) => [id, n]));
}

let partitions = 0;

test("single operations with etags behave like a map", async () => {
  const container = await account.container();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 15 }), async (steps) => {
      const pk = `single${(partitions += 1)}`;
      const map = new Map<string, Entry>();
      for (const one of steps) {
        const { status, after } = predict(map, one);
        const input = { ...operation(map, one, pk), partitionKey: pk } as OperationInput;
        const [result] = await container.items.bulk([input]);
        expect(result?.statusCode).toBe(status);
        if (after === undefined) map.delete(one.id);
        else map.set(one.id, { n: after, etag: result?.eTag ?? map.get(one.id)?.etag });
        if (result?.resourceBody !== undefined) expect(result.resourceBody["n"]).toBe(after);
      }
      expect(await contents(container, pk)).toEqual(expected(map));
    }),
    { numRuns: 40 },
  );
});

test("batches are carried out as a whole or not at all", async () => {
  const container = await account.container();
  const batch = fc.array(step, { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 6 }), async (batches) => {
      const pk = `batch${(partitions += 1)}`;
      let map = new Map<string, Entry>();
      for (const steps of batches) {
        const next = new Map(map);
        const statuses: number[] = [];
        let failed = -1;
        // Within a batch an etag can only be one from before it: later steps on a written document go without.
        const sent = steps.map((one): Step => {
          const known = next.get(one.id);
          const usable = one.etag !== "current" || known?.etag !== undefined;
          const used: Step = usable ? one : { ...one, etag: "none" };
          if (failed >= 0) return used;
          const { status, after } = predict(next, used);
          statuses.push(status);
          if (status >= 400) failed = statuses.length - 1;
          else if (after === undefined) next.delete(one.id);
          else if (one.kind !== "Read") next.set(one.id, { n: after, etag: undefined });
          return used;
        });
        const operations: OperationInput[] = [];
        const seen = new Map(map);
        for (const one of sent) {
          operations.push(operation(seen, one, pk));
          if (one.kind !== "Read") seen.delete(one.id);
        }
        const { code, result } = await container.items.batch(operations, pk);
        if (failed >= 0) {
          expect(code).toBe(207);
          const want = sent.map((_, index) => (index === failed ? statuses[failed] : 424));
          expect(result?.map(({ statusCode }) => statusCode)).toEqual(want);
        } else {
          expect(result?.map(({ statusCode }) => statusCode)).toEqual(statuses);
          sent.forEach(({ id, kind }, index) => {
            const entry = next.get(id);
            const etag = result?.[index]?.eTag;
            if (entry !== undefined && kind !== "Read") next.set(id, { n: entry.n, etag });
          });
          map = next;
        }
        expect(await contents(container, pk)).toEqual(expected(map));
      }
    }),
    { numRuns: 40 },
  );
});
