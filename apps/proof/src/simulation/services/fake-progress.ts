/** The progress container of the fake Cosmos: transactional batches within one definition. */
import type {
  CycleHistory,
  ProgressDocument,
  ProgressOperation,
  Stored,
  TransactionResult,
} from "@postern/cloud";
import {
  type Cycle,
  type CycleId,
  type DefinitionId,
  invariant,
  type Marker,
  type PageRecord,
} from "@postern/contracts";
import { FakeContainer } from "./fake-container";

type Document = Record<string, unknown>;

export class FakeProgress {
  readonly #definitions = new Map<DefinitionId, FakeContainer<Document>>();

  container(definition: DefinitionId): FakeContainer<Document> {
    const known = this.#definitions.get(definition);
    if (known !== undefined) return known;
    const made = new FakeContainer<Document>();
    this.#definitions.set(definition, made);
    return made;
  }

  ofType<T extends ProgressDocument>(definition: DefinitionId, type: T["type"]): T[] {
    return [...this.container(definition).values()].filter(
      (document): document is Document & T => document["type"] === type,
    );
  }

  history(definition: DefinitionId, cycles: readonly string[]): CycleHistory {
    const wanted = new Set(cycles);
    return {
      pages: this.ofType<PageRecord>(definition, "page").filter(({ cycleId }) =>
        wanted.has(cycleId),
      ),
      markers: this.ofType<Marker>(definition, "marker").filter(({ cycleId }) =>
        wanted.has(cycleId),
      ),
    };
  }

  cycles(definition: DefinitionId): Cycle[] {
    return this.ofType<Cycle>(definition, "cycle").sort((a, b) =>
      a.startedAt < b.startedAt ? 1 : -1,
    );
  }

  openCycles(definition: DefinitionId, after: CycleId | undefined): Stored<Cycle>[] {
    return this.ofType<Cycle>(definition, "cycle")
      .filter(({ closedAt, cycleId }) => typeof closedAt !== "string" && cycleId > (after ?? ""))
      .sort((a, b) => (a.cycleId < b.cycleId ? -1 : 1))
      .map((cycle) => ({
        value: cycle,
        etag: this.container(definition).documents.get(cycle.id)?.etag ?? "",
      }));
  }

  transact(definition: DefinitionId, operations: readonly ProgressOperation[]): TransactionResult {
    const container = this.container(definition);
    const staged = new Map<string, Document>();
    const refuse = (
      failedAt: number,
      reason: "exists" | "changed" | "missing",
    ): TransactionResult => ({
      ok: false,
      failedAt,
      reason,
    });
    const ids: string[] = [];
    for (const [index, operation] of operations.entries()) {
      const id = operation.kind === "patch" ? operation.id : operation.document.id;
      const found = container.documents.get(id);
      const now = staged.get(id) ?? found?.value;
      ids.push(id);
      if (operation.kind === "create") {
        if (now !== undefined) return refuse(index, "exists");
        staged.set(id, { ...operation.document });
        continue;
      }
      if (now === undefined) return refuse(index, "missing");
      if (operation.etag !== undefined && operation.etag !== found?.etag)
        return refuse(index, "changed");
      staged.set(
        id,
        operation.kind === "replace" ? { ...operation.document } : patched(now, operation),
      );
    }
    const etags = new Map<string, string>();
    for (const [id, document] of staged) etags.set(id, container.put(id, document));
    const results = ids.map((id): Stored<unknown> => ({
      value: { ...staged.get(id) },
      etag: etags.get(id) ?? "",
    }));
    return { ok: true, results };
  }
}

function patched(
  document: Document,
  patch: Extract<ProgressOperation, { kind: "patch" }>,
): Document {
  const copy = { ...document };
  const place = (path: string): [Document, string] => {
    const names = path.slice(1).split("/");
    let at: Document = copy;
    for (const name of names.slice(0, -1)) {
      const inner = at[name];
      invariant(
        typeof inner === "object" && inner !== null,
        `a patch of '${path}' finds its place`,
      );
      const own = { ...inner };
      at[name] = own;
      at = own;
    }
    return [at, names.at(-1) ?? ""];
  };
  for (const [path, value] of Object.entries(patch.set ?? {})) {
    const [at, name] = place(path);
    at[name] = value;
  }
  for (const [path, by] of Object.entries(patch.increment ?? {})) {
    const [at, name] = place(path);
    const before = at[name];
    at[name] = (typeof before === "number" ? before : 0) + by;
  }
  for (const path of patch.remove ?? []) {
    const [at, name] = place(path);
    delete at[name];
  }
  return copy;
}
