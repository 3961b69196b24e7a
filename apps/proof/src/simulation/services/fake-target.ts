/**
 * A target with an inbox, as the connectors promise it: version and effect are stored together, and a version that is
 * not newer than the one stored changes nothing. It may be down or slow, and refuse some entities permanently and
 * others for a time.
 */
import type { ApplyItem, ApplyResult } from "@postern/connectors";
import { entityKey, type ErrorCode, type FailureClass, type WorkItem } from "@postern/contracts";

export interface TargetRow {
  readonly object: string;
  readonly key: WorkItem["key"];
  readonly values: WorkItem["values"];
  readonly hash: string;
}

/** What the target holds of an entity. */
interface InboxRow {
  readonly version: number;
  readonly hash: string;
  readonly row: TargetRow | undefined;
}

/** Reported at the moment a transaction commits. */
export interface TargetEvents {
  committed(key: string, item: WorkItem, before: TargetRow | undefined, by: string): void;
}

export class FakeTarget {
  readonly inbox = new Map<string, InboxRow>();
  /** Entities that it always refuses. */
  readonly poison = new Set<string>();
  /** Ids of items that it refused permanently. */
  readonly refusals = new Set<string>();
  /** Entities that it refuses before a time, in simulated milliseconds. */
  readonly dependent = new Map<string, number>();
  readonly #events: TargetEvents;
  #downUntilMs = 0;
  #slowUntilMs = 0;
  #slowByMs = 0;

  constructor(events: TargetEvents) {
    this.#events = events;
  }

  goDown(untilMs: number): void {
    this.#downUntilMs = untilMs;
  }

  goSlow(untilMs: number, byMs: number): void {
    this.#slowUntilMs = untilMs;
    this.#slowByMs = byMs;
  }

  heal(): void {
    this.#downUntilMs = 0;
    this.#slowUntilMs = 0;
    this.dependent.clear();
  }

  isDown(nowMs: number): boolean {
    return nowMs < this.#downUntilMs;
  }

  slowedMs(nowMs: number): number {
    return nowMs < this.#slowUntilMs ? this.#slowByMs : 0;
  }

  /** One transaction: all that can be applied is committed together. */
  apply(items: readonly ApplyItem[], by: string, nowMs: number, deadlock: boolean): ApplyResult[] {
    return items.map(({ item }, index): ApplyResult => {
      const key = entityKey(item.entity);
      if (this.isDown(nowMs)) return failed("target-down", "target-unreachable", "it is down");
      if (this.poison.has(key)) {
        this.refusals.add(item.itemId);
        return failed("permanent", "target-rejected", "check constraint");
      }
      if (nowMs < (this.dependent.get(key) ?? 0)) {
        return failed("dependency", "target-rejected", "a reference is not there yet");
      }
      if (deadlock && index === 0) return failed("transient", "target-timeout", "deadlock victim");
      const before = this.inbox.get(key);
      if (before !== undefined && before.version > item.version) return { outcome: "superseded" };
      if (before?.version === item.version) return { outcome: "replayed" };
      const row =
        item.desired === "absent"
          ? undefined
          : { object: item.object, key: item.key, values: item.values, hash: item.hash };
      this.inbox.set(key, { version: item.version, hash: item.hash, row });
      this.#events.committed(key, item, before?.row, by);
      return { outcome: before?.hash === item.hash ? "unchanged" : "applied" };
    });
  }
}

export function failed(failure: FailureClass, code: ErrorCode, message: string): ApplyResult {
  return { outcome: "failed", failure: { class: failure, code, message } };
}
