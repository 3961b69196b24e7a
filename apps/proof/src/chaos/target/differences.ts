import type { AuditedTarget } from "./audited-target";
import { expectedGroups, expectedMembers, expectedPeople, type Tenant } from "./expected-rows";

const tables = {
  people: { expected: expectedPeople, key: ["id"] },
  groups: { expected: expectedGroups, key: ["id"] },
  group_members: { expected: expectedMembers, key: ["group_id", "member_id"] },
} as const;

/** In what the target differs from the tenant, column by column. */
export async function differences(tenant: Tenant, target: AuditedTarget): Promise<string[]> {
  const found: string[] = [];
  for (const [table, { expected, key }] of Object.entries(tables) as [
    keyof typeof tables,
    (typeof tables)[keyof typeof tables],
  ][]) {
    const keyOf = (row: Record<string, unknown>): string =>
      key.map((column) => String(row[column])).join("/");
    const actual = new Map((await target.rows(table)).map((row) => [keyOf(row), row]));
    for (const row of expected(tenant)) {
      const id = keyOf(row);
      const other = actual.get(id);
      actual.delete(id);
      if (other === undefined) found.push(`${table} ${id} is missing`);
      else
        for (const [column, value] of Object.entries(row))
          if (other[column] !== value)
            found.push(
              `${table} ${id}: ${column} is ${JSON.stringify(other[column])}, in Graph ${JSON.stringify(value)}`,
            );
    }
    for (const id of actual.keys()) found.push(`${table} ${id} is at the target only`);
  }
  return found;
}
