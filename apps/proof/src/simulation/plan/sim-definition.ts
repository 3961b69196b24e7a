import {
  type BranchId,
  type GroupName,
  SyncDefinition,
  type TargetName,
  type TenantId,
  type WorkerGroup,
} from "@postern/contracts";

/** Where agents of one group are. */
export interface Place {
  readonly tenant: TenantId;
  readonly branch: BranchId;
  readonly group: GroupName;
  readonly target: TargetName;
  /** All groups of the branch. */
  readonly groups: readonly WorkerGroup[];
}

const target = "db" as TargetName;

/** Who and what every simulated world is made of. Made once: what is compiled from a definition is found again. */
export const place: Place = {
  tenant: "00000000-0000-4000-8000-000000000001" as TenantId,
  branch: "sim" as BranchId,
  group: "default" as GroupName,
  target,
  groups: [{ name: "default" as GroupName, targets: [target] }],
};

/** The group whose rights the hostile agent has. One of its targets has no definition. */
const annexGroup: WorkerGroup = {
  name: "annex" as GroupName,
  targets: [target, "spare" as TargetName],
};

/** A hostile world: the group that every world has, and the group of the hostile agent. */
export const sharedPlace: Place = { ...place, groups: [...place.groups, annexGroup] };
export const annexPlace: Place = { ...sharedPlace, group: annexGroup.name };

const base = {
  id: "people",
  group: "default",
  target: "db",
  users: {
    object: "people",
    scope: 'department != "External"',
    key: { id: "id" },
    columns: {
      display_name: "displayName",
      department: "department",
      manager_id: "manager.id",
      enabled: { from: "accountEnabled", type: "boolean", breaker: true },
    },
  },
  groups: { object: "groups", key: { id: "id" }, columns: { display_name: "displayName" } },
  memberships: { object: "group_members", key: { group_id: "group.id", member_id: "member.id" } },
};

export const definition = SyncDefinition.parse(base);

/** Of the hostile agent's own group. */
export const annexDefinition = SyncDefinition.parse({
  ...base,
  id: "guests",
  group: annexGroup.name,
  users: { ...base.users, object: "guests" },
  groups: { ...base.groups, object: "guest_groups" },
  memberships: undefined,
});

/** The same with another mapping of people: applied in the middle, it starts a resync. */
export const remapped = SyncDefinition.parse({
  ...base,
  users: { ...base.users, columns: { ...base.users.columns, title: "displayName" } },
});

/** What a person applies to have everything sent again: a column with a constant of its own for each time. */
export function resynced(before: SyncDefinition, time: number): SyncDefinition {
  const { users } = before;
  if (users === undefined) return before;
  const columns = { ...users.columns, resynced: `"${time}"` };
  return SyncDefinition.parse({ ...before, users: { ...users, columns } });
}
