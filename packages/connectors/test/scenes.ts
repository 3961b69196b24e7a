import { SyncDefinition } from "@postern/contracts";
import { applyItem } from "../src/conformance";
import type { ApplyItem } from "../src/connector";

/** Users and memberships, with one column that is not text. */
export const peopleDefinition = SyncDefinition.parse({
  id: "people",
  group: "branch",
  target: "hr-db",
  users: {
    object: "people",
    key: { id: "id" },
    columns: { upn: "userPrincipalName", enabled: { from: "accountEnabled", type: "boolean" } },
  },
  memberships: { object: "group_members", key: { group_id: "groupId", member_id: "memberId" } },
});

export interface WideTable {
  /** Creates the table `wide`. */
  readonly create: string;
  /** A row for each item that a batch may have. */
  readonly batch: readonly ApplyItem[];
}

/** A table that is too wide to write a whole batch with one statement. */
export function wideTable(columnCount: number): WideTable {
  const columns = Array.from({ length: columnCount }, (_, index) => `c${index}`);
  const values = Object.fromEntries(columns.map((name) => [name, name]));
  return {
    create: `create table wide (id text primary key, ${columns.map((name) => `${name} text`).join()})`,
    batch: Array.from({ length: 1_000 }, (_, index) =>
      applyItem({ type: "user", id: `w${index}` }, 1, {
        desired: "present",
        object: "wide",
        key: { id: `w${index}` },
        values,
      }),
    ),
  };
}
