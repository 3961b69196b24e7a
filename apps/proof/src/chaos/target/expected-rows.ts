/** What the target must hold for a tenant, worked out from the tenant alone: the default mapping, column by column. */
interface TenantUser {
  readonly id: string;
  readonly [property: string]: unknown;
}

export interface Tenant {
  readonly users: readonly TenantUser[];
  readonly groups: readonly {
    readonly id: string;
    readonly members?: readonly { readonly id: string }[];
    readonly [property: string]: unknown;
  }[];
}

const orNull = (value: unknown): unknown => value ?? null;

export function expectedPeople({ users }: Tenant): Record<string, unknown>[] {
  return users.map((user) => ({
    id: user.id,
    upn: orNull(user["userPrincipalName"]),
    display_name: orNull(user["displayName"]),
    given_name: orNull(user["givenName"]),
    family_name: orNull(user["surname"]),
    mail: orNull(user["mail"]),
    department: orNull(user["department"]),
    job_title: orNull(user["jobTitle"]),
    manager_id: orNull((user["manager"] as { id?: string } | undefined)?.id),
    enabled:
      user["accountEnabled"] === undefined || user["accountEnabled"] === null
        ? null
        : Number(user["accountEnabled"]),
  }));
}

export function expectedGroups({ groups }: Tenant): Record<string, unknown>[] {
  return groups.map((group) => ({
    id: group.id,
    display_name: orNull(group["displayName"]),
    description: orNull(group["description"]),
    mail: orNull(group["mail"]),
  }));
}

export function expectedMembers({ groups }: Tenant): Record<string, unknown>[] {
  return groups.flatMap((group) =>
    (group.members ?? []).map((member) => ({ group_id: group.id, member_id: member.id })),
  );
}

/** Rows in an order of their own, so that two sets compare. */
export function ordered(rows: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  return rows
    .map((row) => ({ ...row }))
    .sort((a, b) => (JSON.stringify(Object.values(a)) < JSON.stringify(Object.values(b)) ? -1 : 1));
}
