/**
 * One page of a round of delta, computed from the token's state and the current directory.
 *
 * A full round walks a collection, an incremental one the objects touched between two sequence numbers. Both show
 * objects as they are now, which may be newer than the round's end: the next round shows later changes again, so a
 * client that merges by id always converges, however the pages interleave with changes.
 *
 * Two phases. `objects`: everything; the members of a large group are spread over pages, and the group is repeated.
 * `managers` (users only): a fixed share of the users gets its manager separately, as happens in the service.
 */
import type { Change } from "./change-log";
import type { Directory } from "./directory";
import { isVisible, type DirectoryObject } from "./directory-object";
import type { DeltaState } from "./delta-state";

/** The round's changes to one object. */
interface Touch {
  /** Created or restored: shown with all properties and links. */
  whole: boolean;
  readonly names: Set<string>;
  readonly relatedIds: Set<string>;
}

export type DeltaItem = Record<string, unknown>;

export interface DeltaPage {
  readonly items: DeltaItem[];
  /** Where the round continues; absent when it is over. */
  readonly next: DeltaState | undefined;
}

/** Page sizes; tests of the paging itself use smaller ones than the service. */
export interface PageLimits {
  readonly objects: number;
  /** Members of all groups on one page. */
  readonly members: number;
  /** One user in this many gets its manager separately. */
  readonly splitEvery: number;
}

const serviceLimits: PageLimits = { objects: 200, members: 1000, splitEvery: 17 };
const MAX_CACHED_ROUNDS = 8;

interface Step {
  readonly id: string;
  readonly object: DirectoryObject | undefined;
  readonly touch: Touch | undefined;
  readonly position: number;
}

/** Where in an object's members the next page continues. */
interface Rest {
  readonly touched: number;
  readonly joined: number;
}

const startOfObject: Rest = { touched: 0, joined: 0 };

function touchesOf(changes: readonly Change[]): Map<string, Touch> {
  const touches = new Map<string, Touch>();
  for (const change of changes) {
    let touch = touches.get(change.id);
    if (touch === undefined) {
      touch = { whole: false, names: new Set(), relatedIds: new Set() };
      touches.set(change.id, touch);
    }
    switch (change.kind) {
      case "created":
      case "restored":
        touch.whole = true;
        break;
      case "properties":
        for (const name of change.names) touch.names.add(name);
        break;
      case "related":
        touch.relatedIds.add(change.relatedId);
        break;
      case "deleted":
      case "purged":
        break;
    }
  }
  return touches;
}

/** Whether a user gets its manager separately. FNV-1a: the share must be the same in every process. */
function isSplit(id: string, splitEvery: number): boolean {
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index += 1)
    hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % splitEvery === 0;
}

const link = (object: DirectoryObject): DeltaItem => ({
  "@odata.type": object.odataType,
  id: object.id,
});
const lostLink = (object: DirectoryObject): DeltaItem => ({
  ...link(object),
  "@removed": { reason: "deleted" },
});

export class DeltaRounds {
  readonly #directory: Directory;
  readonly #limits: PageLimits;
  readonly #cache = new Map<
    string,
    { readonly ids: readonly string[]; readonly touches: Map<string, Touch> }
  >();

  constructor(directory: Directory, limits: PageLimits = serviceLimits) {
    this.#directory = directory;
    this.#limits = limits;
  }

  page(state: DeltaState, minimal: boolean): DeltaPage {
    const page = new PageUnderConstruction(this.#directory, this.#limits, state, minimal);
    let { phase, position } = state;
    for (;;) {
      for (const step of this.#walk({ ...state, position })) {
        position = step.position;
        const rest = phase === "managers" ? page.addManagerPart(step) : page.add(step);
        if (rest !== undefined)
          return { items: page.items, next: { ...state, phase, position, ...rest } };
      }
      if (phase === "managers" || state.collection === "groups" || !state.relation) {
        return { items: page.items, next: undefined };
      }
      phase = "managers";
      position = 0;
    }
  }

  *#walk(state: DeltaState): Generator<Step> {
    const { collection, fromSeq, toSeq, position } = state;
    if (fromSeq === null && state.ids === null) {
      const ordered = this.#directory.ordered(collection);
      for (let index = indexOfOrdinal(ordered, position); index < ordered.length; index += 1) {
        const object = ordered[index];
        if (object === undefined || object.ordinal > toSeq) return;
        yield { id: object.id, object, touch: undefined, position: object.ordinal };
      }
      return;
    }
    const { ids, touches } =
      fromSeq === null ? { ids: state.ids ?? [], touches: undefined } : this.#round(state, fromSeq);
    for (let index = position; index < ids.length; index += 1) {
      const id = ids[index] ?? "";
      const object = this.#directory.find(id);
      if (touches === undefined && object?.collection !== collection) continue;
      yield { id, object, touch: touches?.get(id), position: index };
    }
  }

  /** The touched objects of an incremental round; kept for its next pages. */
  #round(
    state: DeltaState,
    fromSeq: number,
  ): { ids: readonly string[]; touches: Map<string, Touch> } {
    const key = `${state.collection} ${fromSeq} ${state.toSeq} ${state.ids?.join() ?? ""}`;
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached;
    const touches = touchesOf(this.#directory.log.between(state.collection, fromSeq, state.toSeq));
    const wanted =
      state.ids === null ? undefined : new Set(state.ids.map((id) => id.toLowerCase()));
    const ids = [...touches.keys()].filter((id) => wanted?.has(id.toLowerCase()) ?? true);
    const round = { ids, touches };
    if (touches.size > this.#limits.objects) {
      const [oldest] = this.#cache.keys();
      if (this.#cache.size >= MAX_CACHED_ROUNDS && oldest !== undefined) this.#cache.delete(oldest);
      this.#cache.set(key, round);
    }
    return round;
  }
}

function indexOfOrdinal(ordered: readonly DirectoryObject[], ordinal: number): number {
  let low = 0;
  let high = ordered.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ordered[middle]?.ordinal ?? 0) < ordinal) low = middle + 1;
    else high = middle;
  }
  return low;
}

class PageUnderConstruction {
  readonly items: DeltaItem[] = [];
  readonly #directory: Directory;
  readonly #limits: PageLimits;
  readonly #state: DeltaState;
  readonly #minimal: boolean;
  readonly #selected: ReadonlySet<string> | undefined;
  #members = 0;

  constructor(directory: Directory, limits: PageLimits, state: DeltaState, minimal: boolean) {
    this.#directory = directory;
    this.#limits = limits;
    this.#state = state;
    this.#minimal = minimal;
    this.#selected = state.select === null ? undefined : new Set(state.select);
  }

  get #isFull(): boolean {
    return this.items.length >= this.#limits.objects || this.#members >= this.#limits.members;
  }

  /** Adds an object. If it does not fit, or not all of its members do, returns where in it the next page continues. */
  add(step: Step): Rest | undefined {
    if (this.#isFull) return startOfObject;
    const removed = this.#removal(step);
    if (removed !== undefined) {
      this.items.push(removed);
      return undefined;
    }
    const { object, touch } = step;
    if (!isVisible(object)) return undefined;
    const whole = touch === undefined || touch.whole;
    const changed = whole || [...touch.names].some((name) => this.#tracks(name));
    const item = this.#properties(object, touch, whole);
    if (this.#state.collection === "users") {
      const links =
        this.#state.relation && !isSplit(object.id, this.#limits.splitEvery)
          ? this.#managerLinks(object, touch)
          : [];
      if (links.length > 0) item["manager@delta"] = links;
      if (changed || links.length > 0) this.items.push(item);
      return undefined;
    }
    if (!this.#state.relation) {
      if (changed) this.items.push(item);
      return undefined;
    }
    const { links, rest } = this.#memberLinks(step, object, whole);
    if (links.length > 0) item["members@delta"] = links;
    // A group continues from an earlier page only with members.
    if (links.length > 0 || (changed && !this.#continues(step))) this.items.push(item);
    return rest;
  }

  addManagerPart({ object, touch }: Step): Rest | undefined {
    if (!isVisible(object) || !isSplit(object.id, this.#limits.splitEvery)) return undefined;
    const links = this.#managerLinks(object, touch);
    if (links.length === 0) return undefined;
    if (this.#isFull) return startOfObject;
    this.items.push({ id: object.id, "manager@delta": links });
    return undefined;
  }

  #removal({ id, object }: Step): DeltaItem | undefined {
    // An id that now belongs to another type is gone from this collection.
    const isOurs = object?.collection === this.#state.collection;
    if (object === undefined || !isOurs || object.state === "purged") {
      return { id, "@removed": { reason: "deleted" } };
    }
    return object.state === "deleted"
      ? { id: object.id, "@removed": { reason: "changed" } }
      : undefined;
  }

  #tracks(name: string): boolean {
    return this.#selected?.has(name) ?? true;
  }

  #properties(object: DirectoryObject, touch: Touch | undefined, whole: boolean): DeltaItem {
    const item: DeltaItem = { id: object.id };
    const touched = touch === undefined || whole ? [] : touch.names;
    if (whole || !this.#minimal) {
      for (const [name, value] of Object.entries(object.properties))
        if (this.#tracks(name)) item[name] = value;
    }
    for (const name of touched)
      if (this.#tracks(name)) item[name] = object.properties[name] ?? null;
    return item;
  }

  #managerLinks(user: DirectoryObject, touch: Touch | undefined): DeltaItem[] {
    const current = isVisible(user.manager) ? user.manager : undefined;
    const links: DeltaItem[] = [];
    for (const id of touch?.relatedIds ?? []) {
      const object = this.#directory.find(id);
      if (object !== undefined && object !== current) links.push(lostLink(object));
    }
    const shown =
      touch === undefined ||
      touch.whole ||
      (current !== undefined && touch.relatedIds.has(current.id));
    if (shown && current !== undefined) links.push(link(current));
    return links;
  }

  /** Whether the page begins in the middle of this group. */
  #continues(step: Step): boolean {
    const { position, touched, joined } = this.#state;
    return step.position === position && (touched > 0 || joined > 0);
  }

  #memberLinks(
    step: Step,
    group: DirectoryObject,
    whole: boolean,
  ): { links: DeltaItem[]; rest: Rest | undefined } {
    let { touched, joined } = this.#continues(step) ? this.#state : startOfObject;
    const links: DeltaItem[] = [];
    const full = (): boolean => this.#members + links.length >= this.#limits.members;
    const done = (rest?: Rest) => {
      this.#members += links.length;
      return { links, rest };
    };
    const relatedIds = step.touch === undefined ? [] : [...step.touch.relatedIds];
    for (; touched < relatedIds.length; touched += 1) {
      if (full()) return done({ touched, joined });
      const member = this.#directory.find(relatedIds[touched] ?? "");
      if (member === undefined) continue;
      const present = isVisible(member) && group.members.has(member);
      if (!present) links.push(lostLink(member));
      else if (!whole) links.push(link(member));
    }
    if (!whole) return done();
    for (const [member, seq] of group.members) {
      if (seq <= joined) continue;
      if (full()) return done({ touched, joined });
      joined = seq;
      if (isVisible(member) && seq <= this.#state.toSeq) links.push(link(member));
    }
    return done();
  }
}
