import type { TargetValue } from "@postern/contracts";
import { applyItem } from "../src/conformance";
import type { ApplyItem, ApplyResult, Target } from "../src/connector";
import { startPostgres } from "./postgres-harness";
import { sqliteHarness } from "./sqlite-harness";
import { apply, failureOf } from "./target-calls";

/** An empty database of one of the two kinds, with a target on it. */
export interface RowScene {
  readonly target: Target;
  /** Another agent's target on the same database. */
  readonly open: () => Target;
  readonly run: (statements: string) => Promise<void>;
  /** Rows with every cell as text, or null. */
  readonly rows: (query: string) => Promise<Record<string, string | null>[]>;
  readonly close: () => Promise<void>;
}

export interface SceneSource {
  readonly open: () => Promise<RowScene>;
  readonly stop: () => Promise<void>;
}

const asText = (value: unknown): string | null => {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "bigint":
    case "boolean":
      return String(value);
    default:
      return value === null ? null : JSON.stringify(value);
  }
};
const textRow = (row: object): Record<string, string | null> =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, asText(value)]));

export async function sqliteScenes(): Promise<SceneSource> {
  return {
    async open() {
      const harness = sqliteHarness();
      const targets = [harness.open()];
      const [target] = targets;
      if (target === undefined) throw new Error("the target is open");
      const open = (): Target => {
        const other = harness.open();
        targets.push(other);
        return other;
      };
      return {
        target,
        open,
        run: async (statements) => harness.database.exec(statements),
        rows: async (query) => {
          const select = harness.database.prepare(query);
          select.setReadBigInts(true);
          return Array.from(select.all(), textRow);
        },
        close: async () => {
          for (const each of targets) await each.close();
          await harness.close();
        },
      };
    },
    stop: async () => undefined,
  };
}

export async function postgresScenes(): Promise<SceneSource> {
  const server = await startPostgres();
  return {
    async open() {
      const harness = await server.harness();
      const targets = [harness.open()];
      const [target] = targets;
      if (target === undefined) throw new Error("the target is open");
      const open = (): Target => {
        const other = harness.open();
        targets.push(other);
        return other;
      };
      return {
        target,
        open,
        run: async (statements) => {
          await harness.client.query(statements);
        },
        rows: async (query) => {
          const { rows } = await harness.client.query<Record<string, unknown>>(query);
          return rows.map(textRow);
        },
        close: async () => {
          for (const each of targets) await each.close();
          await harness.close();
        },
      };
    },
    stop: () => server.stop(),
  };
}

type Columns = Readonly<Record<string, TargetValue>>;

/** An item for a row of table `t` with key `id`. */
export function rowItem(id: TargetValue, version: number, values: Columns): ApplyItem {
  return applyItem({ type: "user", id: String(id) }, version, {
    desired: "present",
    object: "t",
    key: { id },
    values,
  });
}

export function noRow(id: TargetValue, version: number): ApplyItem {
  return applyItem({ type: "user", id: String(id) }, version, {
    desired: "absent",
    object: "t",
    key: { id },
    values: {},
  });
}

/** Outcomes; a failure as its message. */
export const said = (results: readonly ApplyResult[]): string[] =>
  Array.from(results, (result) => failureOf(result)?.message ?? result.outcome);

export const applied = async (scene: RowScene, ...items: ApplyItem[]): Promise<string[]> =>
  said(await apply(scene.target, ...items));
