import {
  type BranchId,
  type GroupName,
  SyncDefinition,
  type TargetName,
  type TenantId,
  type WorkerGroup,
} from "@postern/contracts";

/** Who and what every simulated world is made of. Made once: what is compiled from a definition is found again. */
export const place = {
  tenant: "00000000-0000-4000-8000-000000000001" as TenantId,
  branch: "sim" as BranchId,
  group: "default" as GroupName,
  target: "db" as TargetName,
  groups: [
    { name: "default" as GroupName, targets: ["db" as TargetName] },
  ] satisfies readonly WorkerGroup[],
};

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

/** The same with another mapping of people: applied in the middle, it starts a resync. */
export const remapped = SyncDefinition.parse({
  ...base,
  users: { ...base.users, columns: { ...base.users.columns, title: "displayName" } },
});
