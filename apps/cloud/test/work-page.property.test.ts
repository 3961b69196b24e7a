import { expect, test } from "@jest/globals";
import { SyncDefinition, type CycleId, type Version, type WorkItem } from "@postern/contracts";
import fc from "fast-check";
import { compileDefinition } from "../src/sync/mapping/compiled-definition";
import type { SourceChange } from "../src/ports/source";
import { runWorkPage, type WorkPageResult } from "../src/sync/entities/work-page";
import { memoryPorts, putCounter, putPage } from "./memory-ports";

/*
 * A directory changes at random; what changed is reported as Graph does: in parts, in any order, repeated, users and
 * groups by streams of their own that run at the same time, pages abandoned after their index was written, with or
 * without their items sent. Whatever happens, the item with the highest version of each entity must say what the
 * directory says.
 */
const definition = SyncDefinition.parse({
  id: "directory",
  group: "main",
  target: "db",
  users: {
    object: "people",
    scope: "userType != 'Guest'",
    key: { id: "id" },
    columns: { name: "displayName", mail: "mail", manager: "manager.id" },
  },
  groups: { object: "groups", key: { id: "id" }, columns: { name: "displayName" } },
  memberships: { object: "members", key: { group_id: "group.id", member_id: "member.id" } },
  deletes: { minimum: 1_000_000, maximum: 1_000_000 },
});
const compiled = compileDefinition(definition);

interface User {
  displayName: string;
  mail: string | null;
  userType: string;
  manager: string | null;
}
interface Directory {
  users: Map<string, User>;
  groups: Map<string, { displayName: string; members: Set<string> }>;
  /** What has been reported as removed and not seen since. */
  gone: Set<string>;
}

const userIds = ["u1", "u2"];
const groupIds = ["g1", "g2"];

type Step =
  | { kind: "user"; id: string; user: User }
  | { kind: "remove-user"; id: string }
  | { kind: "group"; id: string; displayName: string }
  | { kind: "remove-group"; id: string }
  | { kind: "member"; group: string; member: string; present: boolean };

const text = fc.constantFrom("a", "b", "c");
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("user" as const),
    id: fc.constantFrom(...userIds),
    user: fc.record({
      displayName: text,
      mail: fc.option(text),
      userType: fc.constantFrom("Member", "Member", "Guest"),
      manager: fc.option(fc.constantFrom(...userIds)),
    }),
  }),
  fc.record({ kind: fc.constant("remove-user" as const), id: fc.constantFrom(...userIds) }),
  fc.record({
    kind: fc.constant("group" as const),
    id: fc.constantFrom(...groupIds),
    displayName: text,
  }),
  fc.record({ kind: fc.constant("remove-group" as const), id: fc.constantFrom(...groupIds) }),
  fc.record({
    kind: fc.constant("member" as const),
    group: fc.constantFrom(...groupIds),
    member: fc.constantFrom(...userIds, ...groupIds),
    present: fc.boolean(),
  }),
);

interface Delivery {
  /** Splits every change into a part a property. */
  split: boolean;
  repeat: boolean;
  rotate: number;
  /** For each try: is the page abandoned after its index was written, and had its items left? */
  abandoned: { itemsLeft: boolean }[];
  /** Versions are given out early: this long passes before the page that uses one begins. */
  versionAge: number;
}
const delivery: fc.Arbitrary<Delivery> = fc.record({
  split: fc.boolean(),
  repeat: fc.boolean(),
  rotate: fc.nat(5),
  abandoned: fc.array(fc.record({ itemsLeft: fc.boolean() }), { maxLength: 2 }),
  versionAge: fc.nat(60),
});
const round = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 6 }),
  users: delivery,
  groups: delivery,
});

function applySteps(directory: Directory, steps: readonly Step[]) {
  const users = new Map<string, SourceChange[]>();
  const groups = new Map<string, SourceChange[]>();
  const members = new Map<string, Map<string, boolean>>();
  const shownWhole = new Set(steps.flatMap((each) => (each.kind === "group" ? [each.id] : [])));
  for (const each of steps) {
    switch (each.kind) {
      case "user":
        directory.users.set(each.id, each.user);
        break;
      case "remove-user":
        directory.users.delete(each.id);
        break;
      case "group": {
        const known = directory.groups.get(each.id);
        directory.groups.set(each.id, {
          displayName: each.displayName,
          members: known?.members ?? new Set(),
        });
        break;
      }
      case "remove-group":
        directory.groups.delete(each.id);
        break;
      case "member": {
        const group = directory.groups.get(each.group);
        if (group === undefined) continue;
        if (each.present) group.members.add(each.member);
        else group.members.delete(each.member);
        const touched = members.get(each.group) ?? new Map<string, boolean>();
        touched.set(each.member, each.present);
        members.set(each.group, touched);
      }
    }
  }
  // What delta then shows: values as they are now, of whatever was touched.
  for (const each of steps) {
    if (each.kind === "user" || each.kind === "remove-user") {
      const user = directory.users.get(each.id);
      users.set(each.id, [
        user === undefined
          ? { type: "user", id: each.id, removed: "changed", properties: {} }
          : {
              type: "user",
              id: each.id,
              properties: {
                id: each.id,
                displayName: user.displayName,
                mail: user.mail,
                userType: user.userType,
              },
              manager:
                user.manager === null ? { cleared: userIds } : { set: user.manager, cleared: [] },
            },
      ]);
    } else {
      const id = each.kind === "member" ? each.group : each.id;
      const group = directory.groups.get(id);
      groups.set(id, [
        group === undefined
          ? { type: "group", id, removed: "changed", properties: {} }
          : {
              type: "group",
              id,
              properties: { id, displayName: group.displayName },
              // A group that comes back shows all of its members; those it lost meanwhile are shown as removed.
              members: [...userIds, ...groupIds]
                .filter((member) => shownWhole.has(id) || members.get(id)?.has(member))
                .map((member) => ({
                  id: member,
                  memberType: member.startsWith("u") ? "user" : "group",
                  present: group.members.has(member),
                })),
            },
      ]);
    }
  }
  const reported = [...users.values(), ...groups.values()].flat();
  for (const { id, removed } of reported) {
    if (removed === undefined) directory.gone.delete(id);
    else directory.gone.add(id);
  }
  return { users: [...users.values()].flat(), groups: [...groups.values()].flat() };
}

/** An object as a read of its own shows it. */
function wholeOf(
  directory: Directory,
  type: "user" | "group",
  id: string,
): SourceChange | undefined {
  if (type === "group") {
    const group = directory.groups.get(id);
    return group && { type, id, properties: { id, displayName: group.displayName } };
  }
  const user = directory.users.get(id);
  const manager = user?.manager ? { id: user.manager } : null;
  return user && { type, id, properties: { id, ...user, manager } };
}

function deliver(changes: readonly SourceChange[], { split, repeat, rotate }: Delivery) {
  const parts = split ? changes.flatMap(partsOf) : [...changes];
  const turn = parts.length === 0 ? 0 : rotate % parts.length;
  // Parts of one entity may come in any order, but a removal has no other parts.
  const turned = [...parts.slice(turn), ...parts.slice(0, turn)];
  return repeat ? [...turned, ...parts] : turned;
}

function partsOf(change: SourceChange): SourceChange[] {
  if (change.removed !== undefined) return [change];
  const { type, id, manager, members } = change;
  return [
    ...(manager === undefined ? [] : [{ type, id, properties: {}, manager }]),
    ...(members ?? []).map((member) => ({ type, id, properties: {}, members: [member] })),
    ...Object.entries(change.properties).map(([name, value]) => ({
      type,
      id,
      properties: { id, [name]: value },
    })),
  ];
}

test("the highest version of every entity says what the directory says, whatever the delivery", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(round, { minLength: 1, maxLength: 6 }),
      fc.infiniteStream(fc.nat(3)),
      async (rounds, pauses) => {
        const ports = memoryPorts();
        putCounter(ports, definition.id);
        const turns = pauses[Symbol.iterator]();
        ports.pause = async () => {
          for (let left = Number(turns.next().value); left > 0; left -= 1) await Promise.resolve();
        };
        const target = new Map<string, WorkItem>();
        const apply = (items: readonly WorkItem[]): void => {
          for (const item of items) {
            const key = `${item.entity.type} ${item.entity.id}`;
            if ((target.get(key)?.version ?? 0) < item.version) target.set(key, item);
          }
        };
        let version = 1_000;
        const runStream = async (
          stream: "users" | "groups",
          changes: readonly SourceChange[],
          { abandoned, versionAge }: Delivery,
        ): Promise<void> => {
          const run = async (): Promise<{ result: WorkPageResult; claimed: Version }> => {
            for (let attempt = 0; attempt < 50; attempt += 1) {
              const claimed = (version += 1) as Version;
              for (let left = versionAge; left > 0; left -= 1) await Promise.resolve();
              const result = await runWorkPage(ports, {
                compiled,
                stream,
                cycleId: "c1" as CycleId,
                version: claimed,
                generation: 1,
                changes,
              });
              if (result !== undefined) return { result, claimed };
            }
            throw new Error("a page is lost forever");
          };
          for (const { itemsLeft } of abandoned) {
            const { result } = await run();
            if (itemsLeft) apply(result.items);
          }
          const { result, claimed } = await run();
          expect(result.failures).toEqual([]);
          apply(result.items);
          putPage(ports, definition.id, claimed);
        };
        const directory: Directory = {
          users: new Map(),
          groups: new Map(),
          gone: new Set(),
        };
        ports.object = (type, id) => wholeOf(directory, type, id);
        for (const { steps, users, groups } of rounds) {
          const changed = applySteps(directory, steps);
          await Promise.all([
            runStream("users", deliver(changed.users, users), users),
            runStream("groups", deliver(changed.groups, groups), groups),
          ]);
        }
        expect(presentIn(target)).toEqual(expectedOf(directory));
      },
    ),
    { numRuns: 1_000 },
  );
});

function presentIn(target: ReadonlyMap<string, WorkItem>): Record<string, unknown> {
  return Object.fromEntries(
    [...target]
      .filter(([, { desired }]) => desired === "present")
      .map(([key, { values }]) => [key, values] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function expectedOf({ users, groups, gone }: Directory): Record<string, unknown> {
  const rows: [string, unknown][] = [];
  for (const [id, user] of users) {
    if (user.userType === "Guest") continue;
    rows.push([`user ${id}`, { name: user.displayName, mail: user.mail, manager: user.manager }]);
  }
  for (const [id, group] of groups) {
    rows.push([`group ${id}`, { name: group.displayName }]);
    for (const member of group.members) {
      // A member that no stream has ever shown is not known to be gone.
      if (gone.has(member)) continue;
      rows.push([`membership ${id}/${member}`, {}]);
    }
  }
  return Object.fromEntries(rows.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
