import { writeFileSync } from "node:fs";
import { sampleTenant } from "./sample-tenant";

/** Generates the sample company and writes it as a tenant file. Returns its size. */
export async function writeSampleTenant(
  file: string,
  people: number,
): Promise<{ users: number; groups: number }> {
  const tenant = await sampleTenant(people);
  writeFileSync(file, JSON.stringify(tenant));
  return { users: tenant.users.length, groups: tenant.groups.length };
}
