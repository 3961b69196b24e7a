/**
 * A directory and its delta queries: users and groups with their history, shown as Microsoft Graph shows them. One
 * object may come in parts over several pages and more than once; unchanged properties are left out; a change made
 * while pages are read is shown in this round, in the next, or in both. Values are those of the moment at which a page
 * is read.
 */
import type { MemberChange, SourceChange, SourcePage } from "@postern/cloud";
import type { StreamName } from "@postern/contracts";
import type { SeededRandom } from "../../kit/seeded-random";

export interface DirectoryObject {
  readonly type: "user" | "group";
  readonly id: string;
  readonly properties: Map<string, { value: unknown; seq: number }>;
  readonly managers: { id: string; seq: number }[];
  readonly members: Map<
    string,
    { type: "user" | "group" | "device"; present: boolean; seq: number }
  >;
  createdSeq: number;
  changedSeq: number;
  deleted: "changed" | "deleted" | undefined;
  restoredSeq: number;
}

interface Entry {
  readonly id: string;
  readonly properties: readonly string[];
  readonly members: readonly string[];
  readonly manager: boolean;
}

interface Round {
  readonly stream: StreamName;
  readonly fromSeq: number;
  readonly sinceSeq: number;
  readonly pages: readonly (readonly Entry[])[];
}

export class FakeGraph {
  readonly objects = new Map<string, DirectoryObject>();
  readonly #random: SeededRandom;
  readonly #pageSize: number;
  readonly #rounds: Round[] = [];
  #seq = 0;

  constructor(random: SeededRandom, pageSize: number) {
    this.#random = random;
    this.#pageSize = pageSize;
  }

  create(type: "user" | "group", id: string, properties: Readonly<Record<string, unknown>>): void {
    this.#seq += 1;
    const seq = this.#seq;
    this.objects.set(id, {
      type,
      id,
      properties: new Map(
        Object.entries(properties).map(([name, value]) => [name, { value, seq }]),
      ),
      managers: [],
      members: new Map(),
      createdSeq: seq,
      changedSeq: seq,
      deleted: undefined,
      restoredSeq: 0,
    });
  }

  set(id: string, name: string, value: unknown): void {
    const object = this.#live(id);
    if (object === undefined) return;
    object.properties.set(name, { value, seq: this.#change(object) });
  }

  setManager(id: string, manager: string | null): void {
    const object = this.#live(id);
    if (object === undefined) return;
    const seq = this.#change(object);
    const before = object.properties.get("manager")?.value;
    if (typeof before === "string") object.managers.push({ id: before, seq });
    object.properties.set("manager", { value: manager, seq });
  }

  setMember(
    groupId: string,
    memberId: string,
    type: "user" | "group" | "device",
    present: boolean,
  ): void {
    const group = this.#live(groupId);
    if (group === undefined) return;
    if (!present && group.members.get(memberId)?.present !== true) return;
    group.members.set(memberId, { type, present, seq: this.#change(group) });
  }

  remove(id: string, reason: "changed" | "deleted"): void {
    const object = this.#live(id);
    if (object === undefined) return;
    object.deleted = reason;
    this.#change(object);
  }

  /** Comes back as it was; groups show it as a member again. */
  restore(id: string): void {
    const object = this.objects.get(id);
    if (object?.deleted !== "changed") return;
    object.deleted = undefined;
    object.restoredSeq = this.#change(object);
    for (const group of this.objects.values()) {
      const member = group.members.get(id);
      if (member?.present === true) member.seq = this.#change(group);
    }
    for (const member of object.members.values()) member.seq = object.changedSeq;
  }

  /** Whether the object is there now. */
  exists(id: string): boolean {
    return this.#live(id) !== undefined;
  }

  /** Whether the group has the member now, both being there. A device is known to no stream and counts as there. */
  hasMember(groupId: string, memberId: string): boolean {
    const member = this.#live(groupId)?.members.get(memberId);
    if (member?.present !== true) return false;
    return member.type === "device" || this.exists(memberId);
  }

  valueOf(id: string, name: string): unknown {
    return this.objects.get(id)?.properties.get(name)?.value ?? null;
  }

  // ---- what the cloud asks -----------------------------------------------------------------------------------------

  page(stream: StreamName, link: string | null): SourcePage {
    const match = /^(round|delta):(\d+):(\d+)$/.exec(link ?? "");
    const [, kind, first, second] = match ?? [];
    const number = Number(first ?? 0);
    const round = kind === "round" ? number : this.#begin(stream, kind === "delta" ? number : 0);
    return this.#show(round, kind === "round" ? Number(second) : 0);
  }

  object(type: "user" | "group", id: string): SourceChange | undefined {
    const object = this.#live(id);
    if (object === undefined) return undefined;
    const properties: Record<string, unknown> = {};
    for (const [name, { value }] of object.properties) {
      if (name !== "manager") properties[name] = value;
      else properties["manager"] = typeof value === "string" ? { id: value } : null;
    }
    return { type, id, properties: { id, ...properties } };
  }

  member(groupId: string, memberId: string): MemberChange {
    const present = this.hasMember(groupId, memberId);
    const type = this.objects.get(groupId)?.members.get(memberId)?.type ?? null;
    return { id: memberId, memberType: present ? type : null, present };
  }

  // ---- rounds ------------------------------------------------------------------------------------------------------

  #begin(stream: StreamName, sinceSeq: number): number {
    const type = stream === "users" ? "user" : "group";
    const entries: Entry[] = [];
    const more: Entry[] = [];
    for (const object of this.objects.values()) {
      if (object.type !== type || object.changedSeq <= sinceSeq) continue;
      const parts = this.#parts(object, sinceSeq);
      for (const [index, part] of parts.entries()) {
        if (index === 0) entries.push(part);
        else more.push(part);
        if (this.#random.chance(0.04)) more.push(part);
      }
    }
    // Parts after the first, and repetitions, come anywhere in the round.
    for (const part of more) entries.splice(this.#random.between(0, entries.length), 0, part);
    const pages: Entry[][] = [];
    for (let from = 0; from < entries.length; from += this.#pageSize) {
      pages.push(entries.slice(from, from + this.#pageSize));
      if (this.#random.chance(0.03)) pages.push([]);
    }
    if (pages.length === 0) pages.push([]);
    this.#rounds.push({ stream, fromSeq: this.#seq, sinceSeq, pages });
    return this.#rounds.length - 1;
  }

  #parts(object: DirectoryObject, sinceSeq: number): Entry[] {
    const whole = sinceSeq < object.createdSeq || sinceSeq < object.restoredSeq;
    const names = [...object.properties]
      .filter(([, { seq }]) => whole || seq > sinceSeq)
      .map(([name]) => name)
      .filter((name) => name !== "manager");
    const manager = whole || (object.properties.get("manager")?.seq ?? 0) > sinceSeq;
    const members = [...object.members]
      .filter(([, { seq, present }]) => (sinceSeq === 0 ? present : seq > sinceSeq))
      .map(([id]) => id);
    const { id } = object;
    const parts: Entry[] = [];
    const split = names.length > 1 && this.#random.chance(0.15) ? 1 : names.length;
    parts.push({
      id,
      properties: names.slice(0, split),
      manager: manager && split === names.length,
      members: [],
    });
    if (split < names.length)
      parts.push({ id, properties: names.slice(split), manager, members: [] });
    for (let from = 0; from < members.length; from += 6) {
      parts.push({ id, properties: [], manager: false, members: members.slice(from, from + 6) });
    }
    return parts;
  }

  #show(number: number, pageNumber: number): SourcePage {
    const round = this.#rounds[number];
    const page = round?.pages[pageNumber];
    if (round === undefined || page === undefined) throw new RangeError("no such delta page");
    const last = pageNumber + 1 === round.pages.length;
    return {
      changes: page.map((entry) => this.#change_(round, entry)),
      nextLink: last ? null : `round:${number}:${pageNumber + 1}`,
      deltaLink: last ? `delta:${round.fromSeq}:0` : null,
    };
  }

  #change_(round: Round, entry: Entry): SourceChange {
    const object = this.objects.get(entry.id);
    if (object === undefined) throw new RangeError(`no object ${entry.id}`);
    const { type, id } = object;
    if (object.deleted !== undefined) return { type, id, removed: object.deleted, properties: {} };
    const properties: Record<string, unknown> = { id };
    for (const name of entry.properties)
      properties[name] = object.properties.get(name)?.value ?? null;
    const manager = object.properties.get("manager")?.value;
    const cleared = object.managers.filter(({ seq }) => seq > round.sinceSeq).map((old) => old.id);
    const showManager = entry.manager && (typeof manager === "string" || cleared.length > 0);
    const members = entry.members.flatMap((memberId): MemberChange[] => {
      const member = object.members.get(memberId);
      if (member === undefined) return [];
      const present = member.present && (member.type === "device" || this.exists(memberId));
      // An enumeration from scratch lists who is a member and nothing else.
      if (!present && round.sinceSeq === 0) return [];
      return [{ id: memberId, memberType: present ? member.type : null, present }];
    });
    return {
      type,
      id,
      properties,
      ...(showManager
        ? { manager: typeof manager === "string" ? { set: manager, cleared } : { cleared } }
        : {}),
      ...(entry.members.length > 0 ? { members } : {}),
    };
  }

  #live(id: string): DirectoryObject | undefined {
    const object = this.objects.get(id);
    return object?.deleted === undefined ? object : undefined;
  }

  #change(object: DirectoryObject): number {
    this.#seq += 1;
    object.changedSeq = this.#seq;
    return this.#seq;
  }
}
