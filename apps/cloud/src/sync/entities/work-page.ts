/**
 * One work page: what was read under a claim, brought into the entity index and turned into work items. The index is
 * written before any item leaves, and every write carries the etag that was read: a run that loses worked on a stale
 * state, abandons the page, and does it again under a new version.
 *
 * Users and groups are two streams that may run at the same time, and both decide about memberships. Each writes its
 * own side first and looks at the other's afterwards, so at least one of them sees both; an entry that a higher version
 * has written already is never decided under a lower one. It never enqueues and never commits: see page-run.
 */
import {
  type CycleId,
  entityKey,
  type EntityRef,
  type ErrorCode,
  type Hold,
  holdId,
  type IndexEntry,
  invariant,
  type StreamName,
  type Version,
  type WorkItem,
} from "@postern/contracts";
import type { CompiledDefinition } from "../mapping/compiled-definition";
import {
  type DecisionContext,
  decideMembership,
  decideObject,
  type Draft,
  followsMemberships,
  hold,
  memberGone,
  type MembershipEnds,
  settle,
} from "./decide";
import { holdOf, reserveDeletes } from "./delete-allowance";
import {
  collectTouches,
  endsOf,
  type LeftBehind,
  type MembershipTouch,
  mergeMembership,
  mergeObject,
} from "./index-merge";
import type { IndexWrite, Standing, Stored } from "../../ports/stores";
import type { SourceChange } from "../../ports/source";
import type { SyncPorts } from "../../ports/cloud-ports";
import { readRestored } from "./restored-objects";
import { ExpressionBudget } from "../mapping/expression-budget";
import { makeItem } from "../../work/work-messages";

/** Steps of expressions after which other work of the process gets its turn: some 20 ms. */
const STEPS_PER_TURN = 100_000;

export interface WorkPageInput {
  readonly compiled: CompiledDefinition;
  readonly stream: StreamName;
  readonly cycleId: CycleId;
  readonly version: Version;
  readonly generation: number;
  readonly changes: readonly SourceChange[];
  readonly leftBehind?: LeftBehind;
}

export interface WorkPageResult {
  readonly items: readonly WorkItem[];
  readonly failures: readonly {
    readonly entity: EntityRef;
    readonly code: ErrorCode;
    readonly reason: string;
  }[];
  readonly held: number;
  /** Entities read. */
  readonly read: number;
  /** Entities marked sent for the first time. */
  readonly newlySent: number;
}

/** Undefined: a write lost to a newer one. Rejects with `SourceError` when the source does not show what came back. */
export async function runWorkPage(
  ports: SyncPorts,
  input: WorkPageInput,
): Promise<WorkPageResult | undefined> {
  return new WorkPage(ports, input).run();
}

class WorkPage {
  readonly #ports: SyncPorts;
  readonly #input: WorkPageInput;
  #context: DecisionContext;
  readonly #drafts = new Map<string, Draft>();
  /** Entries that memberships depend on, of this page or only looked at. */
  readonly #known = new Map<string, Standing>();
  readonly #holds: Hold[] = [];
  #read = 0;
  /** Of the entity that is decided. */
  #budget = new ExpressionBudget();
  #stepsInTurn = 0;

  constructor(ports: SyncPorts, input: WorkPageInput) {
    this.#ports = ports;
    this.#input = input;
    const budget = (): ExpressionBudget => {
      this.#budget = new ExpressionBudget(ports.clock.now);
      return this.#budget;
    };
    this.#context = { compiled: input.compiled, committed: new Set(), budget };
  }

  async run(): Promise<WorkPageResult | undefined> {
    const { changes, leftBehind, compiled } = this.#input;
    const touches = collectTouches(changes, leftBehind);
    const memberships =
      compiled.mappings.membership === undefined ? [] : [...touches.memberships.values()];
    const objects = [...touches.objects.values()];
    this.#read = objects.length + memberships.length;
    if (this.#read === 0) return this.#result();

    const entries = await this.#ports.index.read(this.#definitionId, [
      ...objects.map(({ ref }) => ref),
      ...memberships.map(({ ref }) => ref),
      // Whether a removed membership counts as a delete depends on its member: it may only follow it.
      ...memberships.flatMap((touch) => (touch.present ? [] : memberRefs(touch))),
      ...memberships.flatMap(({ groupId }) =>
        touches.objects.has(entityKey({ type: "group", id: groupId }))
          ? []
          : [{ type: "group" as const, id: groupId }],
      ),
    ]);
    for (const [key, { value }] of entries) this.#known.set(key, value);
    this.#context = { ...this.#context, committed: await this.#committedOf(entries, objects) };

    await readRestored(this.#ports, this.#input, objects, entries);

    const objectDrafts: Draft[] = [];
    for (const touch of objects) {
      const stored = entries.get(touch.key);
      const after = mergeObject(stored?.value, touch, this.#merging);
      objectDrafts.push(this.#draft(touch.key, stored, after));
    }
    if (this.#isStale()) return undefined;
    for (const draft of objectDrafts) {
      draft.decision = decideObject(draft.before, draft.after, this.#context);
      await this.#takeTurn();
    }
    await this.#passBreaker(objectDrafts);

    const membershipDrafts: Draft[] = [];
    for (const touch of memberships) {
      const stored = entries.get(touch.key);
      const after = mergeMembership(stored?.value, touch, this.#merging);
      const draft = this.#draft(touch.key, stored, after);
      draft.decision = this.#decideMembership(draft);
      await this.#takeTurn();
      membershipDrafts.push(draft);
    }
    if (this.#isStale()) return undefined;
    await this.#passBreaker(membershipDrafts);

    // Before the index says so: a process that ends in between must not leave something held that no list shows.
    if (this.#holds.length > 0) await this.#ports.holds.put(this.#holds);
    if (!(await this.#write([...objectDrafts, ...membershipDrafts]))) return undefined;
    if (!(await this.#lookAcross(objectDrafts, memberships))) return undefined;
    await this.#withdrawHolds();
    return this.#result();
  }

  get #definitionId() {
    return this.#input.compiled.definition.id;
  }

  get #merging() {
    const { version, generation } = this.#input;
    return { definition: this.#definitionId, version, generation };
  }

  #draft(key: string, stored: Stored<IndexEntry> | undefined, after: IndexEntry): Draft {
    const draft: Draft = {
      before: stored?.value,
      etag: stored?.etag,
      after,
      decision: { kind: "nothing" },
    };
    this.#drafts.set(key, draft);
    this.#known.set(key, after);
    return draft;
  }

  /** Expressions that take long must not keep the process from its other requests. */
  async #takeTurn(): Promise<void> {
    this.#stepsInTurn += this.#budget.spent;
    this.#budget = new ExpressionBudget();
    if (this.#stepsInTurn < STEPS_PER_TURN) return;
    this.#stepsInTurn = 0;
    await this.#ports.turn();
  }

  /** Of the versions under which entities of this page were noted to be followed, those that were committed. */
  async #committedOf(
    entries: ReadonlyMap<string, Stored<IndexEntry>>,
    objects: readonly { readonly key: string }[],
  ): Promise<ReadonlySet<Version>> {
    const noted = new Set<Version>();
    for (const { key } of objects) {
      const entry = entries.get(key)?.value;
      if (entry?.follow === "until-committed") noted.add(entry.version as Version);
    }
    if (noted.size === 0) return noted;
    return this.#ports.progress.committed(this.#definitionId, [...noted]);
  }

  /** Has a later version decided about any of these entities already? Then this page has read an older state. */
  #isStale(): boolean {
    const { version } = this.#input;
    for (const { before } of this.#drafts.values()) {
      if (before !== undefined && before.version > version) return true;
    }
    return false;
  }

  #decideMembership({ before, after }: Draft) {
    return decideMembership(before, after, this.#endsOf(after), this.#context);
  }

  #endsOf(entry: IndexEntry): MembershipEnds {
    const { groupId, memberId } = endsOf(entry);
    const memberType = entry.source["memberType"];
    const named = { memberId, memberType: typeof memberType === "string" ? memberType : null };
    const members = memberRefs(named).flatMap((ref) => this.#known.get(entityKey(ref)) ?? []);
    return {
      group: this.#known.get(entityKey({ type: "group", id: groupId })),
      // Asked for under another type, an id has an entry of something that is not there: the member need not be gone.
      member: members.find(({ exists }) => exists) ?? members[0],
    };
  }

  // ---- breaker ---------------------------------------------------------------------------------------------------

  async #passBreaker(drafts: readonly Draft[]): Promise<void> {
    const counted = drafts.filter(
      ({ decision }) =>
        (decision.kind === "present" || decision.kind === "absent") &&
        decision.counted !== undefined,
    );
    const { stream, cycleId, compiled } = this.#input;
    const { definition } = compiled;
    const reserved =
      counted.length === 0
        ? undefined
        : await reserveDeletes(this.#ports, definition, counted.length);
    const heldBack = new Set(counted.slice(reserved?.released ?? 0));
    for (const draft of drafts) {
      if (!heldBack.has(draft)) {
        settle(draft, this.#context);
        continue;
      }
      const item = this.#itemOf(draft);
      invariant(reserved && item, "only a counted item can be held");
      const place = { definition, stream, cycleId, nowMs: this.#ports.clock.now() };
      this.#holds.push(holdOf(item, draft.decision, reserved, place));
      hold(draft, this.#context);
    }
  }

  #isHeld({ after }: Draft): boolean {
    return after.held === this.#input.version;
  }

  /**
   * Removes the holds that this page replaced or made unnecessary. If it fails before that, they no longer count
   * anyway.
   */
  async #withdrawHolds(): Promise<void> {
    const withdrawn = [...this.#drafts.values()].flatMap(({ before, after: { entity } }) =>
      before?.held === undefined ? [] : [holdId({ entity, version: before.held as Version })],
    );
    if (withdrawn.length > 0) await this.#ports.holds.remove(this.#definitionId, withdrawn);
  }

  // ---- memberships and their ends --------------------------------------------------------------------------------

  /** After this side is written: members of new memberships, and memberships of what came or went. */
  async #lookAcross(
    objects: readonly Draft[],
    memberships: readonly MembershipTouch[],
  ): Promise<boolean> {
    if (this.#input.compiled.mappings.membership === undefined) return true;
    const moved = objects.filter(followsMemberships).map(({ after }) => after.entity);
    const following =
      moved.length === 0
        ? []
        : await this.#ports.index.membershipsOf(this.#definitionId, {
            groupIds: moved.filter(({ type }) => type === "group").map(({ id }) => id),
            memberIds: moved.map(({ id }) => id),
          });
    const present = memberships.filter((touch) => touch.present);
    await this.#know([
      ...present.flatMap(memberRefs),
      ...following.flatMap(({ value }) => {
        const { groupId, memberId } = endsOf(value);
        const memberType = value.source["memberType"];
        return [
          { type: "group" as const, id: groupId },
          ...memberRefs({
            memberId,
            memberType: typeof memberType === "string" ? memberType : null,
          }),
        ];
      }),
    ]);

    const again: Draft[] = [];
    for (const touch of present) {
      const draft = this.#drafts.get(touch.key);
      if (draft === undefined || draft.after.desired !== "present") continue;
      if (memberGone(this.#endsOf(draft.after).member)) again.push(draft);
    }
    for (const stored of following) {
      const key = stored.value.id;
      const draft = this.#drafts.get(key);
      if (draft === undefined) {
        if (stored.value.version > this.#input.version) return false;
        const after = { ...stored.value, version: this.#input.version };
        again.push(this.#draft(key, stored, after));
      } else if (!again.includes(draft)) {
        again.push(draft);
      }
    }
    for (const draft of again) {
      if (this.#isHeld(draft)) continue;
      const decision = this.#decideMembership(draft);
      await this.#takeTurn();
      // What follows a parent is not counted again: the parent was.
      draft.decision =
        decision.kind === "absent" || decision.kind === "present"
          ? { ...decision, counted: undefined }
          : decision;
      settle(draft, this.#context);
    }
    return again.length === 0 || this.#write(again);
  }

  async #know(refs: readonly EntityRef[]): Promise<void> {
    const missing = new Map<string, EntityRef>();
    for (const ref of refs) {
      const key = entityKey(ref);
      if (!this.#known.has(key)) missing.set(key, ref);
    }
    if (missing.size === 0) return;
    const found = await this.#ports.index.standings(this.#definitionId, [...missing.values()]);
    for (const [key, standing] of found) this.#known.set(key, standing);
  }

  // ---- effects ---------------------------------------------------------------------------------------------------

  async #write(drafts: readonly Draft[]): Promise<boolean> {
    const writes = drafts.map(({ after, etag }): IndexWrite => ({ entry: after, etag }));
    const etags = await this.#ports.index.write(writes);
    if (etags === undefined) return false;
    for (const draft of drafts) {
      const etag = etags.get(draft.after.id);
      if (etag !== undefined) draft.etag = etag;
    }
    return true;
  }

  #itemOf({ after, decision }: Draft): WorkItem | undefined {
    if (decision.kind !== "present" && decision.kind !== "absent") return undefined;
    const { compiled, version } = this.#input;
    const mapping = compiled.mappings[after.entity.type];
    invariant(mapping, "an item has a mapping");
    return makeItem(compiled.definition, after.entity, version, {
      desired: decision.kind,
      object: mapping.object,
      // A delete goes by the key that was sent, which this code wrote itself.
      key: decision.key as WorkItem["key"],
      values: decision.kind === "present" ? decision.values : {},
    });
  }

  #result(): WorkPageResult {
    const items: WorkItem[] = [];
    const failures: WorkPageResult["failures"][number][] = [];
    let newlySent = 0;
    for (const draft of this.#drafts.values()) {
      if (draft.after.sent && draft.before?.sent !== true) newlySent += 1;
      if (this.#isHeld(draft)) continue;
      if (draft.decision.kind === "failed") {
        const { code, reason } = draft.decision;
        failures.push({ entity: draft.after.entity, code, reason });
        continue;
      }
      const item = this.#itemOf(draft);
      if (item !== undefined) items.push(item);
    }
    return { items, failures, held: this.#holds.length, read: this.#read, newlySent };
  }
}

/** Entries that a member may have: it is a user, a group, or something that no stream reads. */
function memberRefs(touch: {
  readonly memberId: string;
  readonly memberType: string | null;
}): EntityRef[] {
  const { memberId: id, memberType } = touch;
  if (memberType === "user" || memberType === "group") return [{ type: memberType, id }];
  if (memberType !== null) return [];
  return [
    { type: "user", id },
    { type: "group", id },
  ];
}
