/**
 * The tenant in memory: objects, managers, memberships, and the log of changes.
 *
 * States of an object: live → deleted (soft; keeps its links, which are hidden meanwhile) → live again (restored) or
 * purged (permanently; the empty object stays as a tombstone so that delta can report it). A link is visible while both
 * ends are live. Callers (routes, seeding) have validated their input; nothing here knows HTTP. Every change reaches
 * the journal, which makes it durable before a client learns of it.
 */
import { ChangeLog, type Change, type ChangeEvent } from "./change-log";
import type { DirectoryJournal, StoredDirectory } from "./directory-journal";
import type { DirectoryObject } from "./directory-object";
import { resourceTypes, type CollectionName } from "./property-catalog";
import { sameValue } from "./same-value";

interface Mutable extends DirectoryObject {
  collection: CollectionName | undefined;
  odataType: string;
  ordinal: number;
  state: DirectoryObject["state"];
  deletedAt: string | undefined;
  properties: Record<string, unknown>;
  manager: Mutable | undefined;
  reports: Set<Mutable>;
  members: Map<Mutable, number>;
  memberOf: Set<Mutable>;
}

/** Shared by the many objects without relations. */
const noObjects: Set<Mutable> = new Set();
const noMembers: Map<Mutable, number> = new Map();

/** Ids are compared case-insensitively, as in the service. */
function keyOf(id: string): string {
  return id.toLowerCase();
}

function principalName(object: DirectoryObject): string | undefined {
  const name = object.collection === "users" ? object.properties["userPrincipalName"] : undefined;
  return typeof name === "string" && name !== "" ? name.toLowerCase() : undefined;
}

export class Directory {
  readonly log: ChangeLog;
  readonly #objects = new Map<string, Mutable>();
  readonly #ordered: Readonly<Record<CollectionName, Mutable[]>> = { users: [], groups: [] };
  readonly #otherNames: Readonly<Record<CollectionName, Set<string>>> = {
    users: new Set(),
    groups: new Set(),
  };
  readonly #byPrincipalName = new Map<string, Mutable>();
  readonly #journal: DirectoryJournal;
  readonly #nowMs: () => number;
  #seq: number;
  #lastMs = 0;
  #silent = false;

  constructor(stored: StoredDirectory, journal: DirectoryJournal, nowMs: () => number = Date.now) {
    this.#journal = journal;
    this.#nowMs = nowMs;
    this.log = new ChangeLog(stored.startSeq, stored.changes);
    this.#seq = Math.max(stored.startSeq, this.log.seqAt(Infinity));
    const managers: [Mutable, string][] = [];
    for (const { managerId, ...object } of stored.objects) {
      const added: Mutable = {
        ...object,
        manager: undefined,
        reports: noObjects,
        members: noMembers,
        memberOf: noObjects,
      };
      this.#objects.set(keyOf(added.id), added);
      if (added.collection !== undefined) this.#ordered[added.collection].push(added);
      this.#noteNames(added);
      this.#indexPrincipalName(added);
      if (managerId !== undefined) managers.push([added, managerId]);
      this.#seq = Math.max(this.#seq, added.ordinal);
    }
    for (const [user, managerId] of managers) this.#linkManager(user, this.#stored(managerId));
    for (const { groupId, memberId, seq } of stored.members) {
      this.#linkMember(this.#stored(groupId), this.#stored(memberId), seq);
      this.#seq = Math.max(this.#seq, seq);
    }
  }

  /** The sequence number of the last change. */
  get seq(): number {
    return this.#seq;
  }

  get isEmpty(): boolean {
    return this.#objects.size === 0;
  }

  /** An object in any state. */
  find(id: string): DirectoryObject | undefined {
    return this.#objects.get(keyOf(id));
  }

  findByPrincipalName(name: string): DirectoryObject | undefined {
    return this.#byPrincipalName.get(name.toLowerCase());
  }

  /** Objects of a collection in the order of their ordinals, in every state. */
  ordered(collection: CollectionName): readonly DirectoryObject[] {
    return this.#ordered[collection];
  }

  /** Whether a property exists: in Graph's type, or because an object was seeded with it. */
  knows(collection: CollectionName, name: string): boolean {
    return resourceTypes[collection].properties.has(name) || this.#otherNames[collection].has(name);
  }

  /**
   * Seeds an empty directory. Leaves no changes in the log, because no token can be older.
   *
   * @throws RangeError if the directory is not empty
   */
  fill(seed: () => void): void {
    if (!this.isEmpty) throw new RangeError("only an empty directory can be filled");
    this.#silent = true;
    seed();
    this.#silent = false;
    this.log.startAt(this.#seq);
    this.#journal.startSeq(this.#seq);
  }

  /**
   * Adds an object, or replaces one of the same id that was purged or only referred to.
   *
   * @throws RangeError if an object of this id exists
   */
  create(
    collection: CollectionName,
    id: string,
    properties: Record<string, unknown>,
  ): DirectoryObject {
    const { odataType } = resourceTypes[collection];
    const earlier = this.#objects.get(keyOf(id));
    if (earlier?.collection !== undefined && earlier.state !== "purged") {
      throw new RangeError(`object ${id} exists`);
    }
    const ordinal = this.#record({ kind: "created" }, collection, id);
    const fresh = {
      collection,
      odataType,
      ordinal,
      state: "live" as const,
      deletedAt: undefined,
      properties,
    };
    let object: Mutable;
    if (earlier === undefined) {
      object = {
        id,
        ...fresh,
        manager: undefined,
        reports: noObjects,
        members: noMembers,
        memberOf: noObjects,
      };
      this.#objects.set(keyOf(id), object);
    } else {
      if (earlier.collection !== undefined) {
        const ordered = this.#ordered[earlier.collection];
        ordered.splice(ordered.indexOf(earlier), 1);
      }
      object = Object.assign(earlier, fresh);
    }
    this.#ordered[collection].push(object);
    this.#noteNames(object);
    this.#indexPrincipalName(object);
    this.#journal.object(object);
    return object;
  }

  /** The object that a reference names; created as a bare directory object if it is not known. */
  reference(id: string, odataType = "#microsoft.graph.directoryObject"): DirectoryObject {
    const known = this.#objects.get(keyOf(id));
    if (known !== undefined) return known;
    const object: Mutable = {
      id,
      collection: undefined,
      odataType,
      ordinal: this.#seq,
      state: "live",
      deletedAt: undefined,
      properties: {},
      manager: undefined,
      reports: noObjects,
      members: noMembers,
      memberOf: noObjects,
    };
    this.#objects.set(keyOf(id), object);
    this.#journal.object(object);
    return object;
  }

  /** Sets properties (null clears). Returns the names of those whose value has changed. */
  setProperties(
    target: DirectoryObject,
    values: Readonly<Record<string, unknown>>,
  ): readonly string[] {
    const object = this.#own(target);
    const names = Object.keys(values).filter(
      (name) => !sameValue(object.properties[name], values[name]),
    );
    if (names.length === 0 || object.collection === undefined) return [];
    this.#unindexPrincipalName(object);
    const properties = { ...object.properties };
    for (const name of names) properties[name] = values[name];
    object.properties = properties;
    this.#noteNames(object);
    this.#indexPrincipalName(object);
    this.#record({ kind: "properties", names }, object.collection, object.id);
    this.#journal.object(object);
    return names;
  }

  setManager(target: DirectoryObject, newManager: DirectoryObject | undefined): void {
    const user = this.#own(target);
    const before = user.manager;
    const after = newManager === undefined ? undefined : this.#own(newManager);
    if (before === after) return;
    before?.reports.delete(user);
    this.#linkManager(user, after);
    if (before !== undefined)
      this.#record({ kind: "related", relatedId: before.id }, "users", user.id);
    if (after !== undefined)
      this.#record({ kind: "related", relatedId: after.id }, "users", user.id);
    this.#journal.object(user);
  }

  /** Returns false if it was a member before. */
  addMember(targetGroup: DirectoryObject, targetMember: DirectoryObject): boolean {
    const group = this.#own(targetGroup);
    const member = this.#own(targetMember);
    if (group.members.has(member)) return false;
    const seq = this.#record({ kind: "related", relatedId: member.id }, "groups", group.id);
    this.#linkMember(group, member, seq);
    this.#journal.memberAdded(group, member, seq);
    return true;
  }

  /** Returns whether it was a member. */
  removeMember(targetGroup: DirectoryObject, targetMember: DirectoryObject): boolean {
    const group = this.#own(targetGroup);
    const member = this.#own(targetMember);
    if (!group.members.delete(member)) return false;
    member.memberOf.delete(group);
    this.#record({ kind: "related", relatedId: member.id }, "groups", group.id);
    this.#journal.memberRemoved(group, member);
    return true;
  }

  /** Moves an object to the deleted items. Its links stay, hidden, until it is restored or purged. */
  delete(target: DirectoryObject): void {
    const object = this.#own(target);
    if (object.state !== "live" || object.collection === undefined) return;
    this.#unindexPrincipalName(object);
    object.state = "deleted";
    object.deletedAt = new Date(this.#nowMs()).toISOString().replace(/\.\d+Z$/, "Z");
    this.#record({ kind: "deleted" }, object.collection, object.id);
    this.#touchLinks(object);
    this.#journal.object(object);
  }

  restore(target: DirectoryObject): void {
    const object = this.#own(target);
    if (object.state !== "deleted" || object.collection === undefined) return;
    object.state = "live";
    object.deletedAt = undefined;
    this.#indexPrincipalName(object);
    this.#record({ kind: "restored" }, object.collection, object.id);
    this.#touchLinks(object);
    this.#journal.object(object);
  }

  /** Removes a deleted object permanently, with its links. */
  purge(target: DirectoryObject): void {
    const object = this.#own(target);
    if (object.state !== "deleted" || object.collection === undefined) return;
    object.state = "purged";
    object.properties = {};
    for (const group of object.memberOf) {
      group.members.delete(object);
      this.#journal.memberRemoved(group, object);
    }
    for (const member of object.members.keys()) {
      member.memberOf.delete(object);
      this.#journal.memberRemoved(object, member);
    }
    for (const user of object.reports) {
      user.manager = undefined;
      this.#journal.object(user);
    }
    object.manager?.reports.delete(object);
    object.manager = undefined;
    object.members = noMembers;
    object.memberOf = noObjects;
    object.reports = noObjects;
    this.#record({ kind: "purged" }, object.collection, object.id);
    this.#journal.object(object);
  }

  /** Records a change for the groups and the reports of an object whose state changes. */
  #touchLinks(object: Mutable): void {
    for (const group of object.memberOf)
      this.#record({ kind: "related", relatedId: object.id }, "groups", group.id);
    for (const user of object.reports)
      this.#record({ kind: "related", relatedId: object.id }, "users", user.id);
  }

  #record(event: ChangeEvent, collection: CollectionName, id: string): number {
    this.#seq += 1;
    if (this.#silent) return this.#seq;
    // The log is searched by time too: a clock that is set back must not break its order.
    this.#lastMs = Math.max(this.#lastMs, this.#nowMs());
    const change: Change = { ...event, seq: this.#seq, atMs: this.#lastMs, collection, id };
    this.log.append(change);
    this.#journal.change(change);
    return this.#seq;
  }

  #own(object: DirectoryObject): Mutable {
    return this.#stored(object.id);
  }

  #stored(id: string): Mutable {
    const object = this.#objects.get(keyOf(id));
    if (object === undefined) throw new RangeError(`no object ${id}`);
    return object;
  }

  #linkManager(user: Mutable, manager: Mutable | undefined): void {
    user.manager = manager;
    if (manager === undefined) return;
    if (manager.reports === noObjects) manager.reports = new Set();
    manager.reports.add(user);
  }

  #linkMember(group: Mutable, member: Mutable, seq: number): void {
    if (group.members === noMembers) group.members = new Map();
    group.members.set(member, seq);
    if (member.memberOf === noObjects) member.memberOf = new Set();
    member.memberOf.add(group);
  }

  #noteNames({ collection, properties }: Mutable): void {
    if (collection === undefined) return;
    const known = resourceTypes[collection].properties;
    for (const name in properties) if (!known.has(name)) this.#otherNames[collection].add(name);
  }

  #indexPrincipalName(object: Mutable): void {
    const name = principalName(object);
    if (name !== undefined && object.state === "live") this.#byPrincipalName.set(name, object);
  }

  #unindexPrincipalName(object: Mutable): void {
    const name = principalName(object);
    if (name !== undefined && this.#byPrincipalName.get(name) === object)
      this.#byPrincipalName.delete(name);
  }
}
