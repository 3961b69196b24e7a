/** Security events as the cloud keeps them: the first of each group, kind and minute; and, for the checks, all. */
import {
  type KeyId,
  type SecurityEvent,
  type SecurityEventKind,
  securityEventsKept,
} from "@postern/contracts";

export class FakeSecurity {
  /** By digest. */
  readonly kept = new Map<string, SecurityEvent>();
  readonly #counts = new Map<string, number>();
  readonly #seen = new Map<string, Set<SecurityEventKind>>();
  readonly #groups = new Map<string, Set<SecurityEventKind>>();

  record(events: readonly SecurityEvent[]): boolean[] {
    for (const event of events) {
      kindsOf(this.#seen, `${event.group} ${event.messageId ?? ""}`).add(event.kind);
      kindsOf(this.#groups, event.group).add(event.kind);
      if (this.kept.has(event.digest)) continue;
      const place = `${event.group} ${event.kind} ${event.at.slice(0, 16)}`;
      const before = this.#counts.get(place) ?? 0;
      this.#counts.set(place, before + 1);
      if (before < securityEventsKept) this.kept.set(event.digest, event);
    }
    return events.map(({ digest }) => this.kept.has(digest));
  }

  pending(keys: readonly KeyId[], limit: number): SecurityEvent[] {
    return [...this.kept.values()]
      .filter(
        ({ pending, key }) => pending !== undefined && key !== undefined && keys.includes(key),
      )
      .slice(0, limit);
  }

  settle({ digest }: SecurityEvent): void {
    const found = this.kept.get(digest);
    if (found === undefined) return;
    const { pending: _judged, key: _key, ...event } = found;
    this.kept.set(digest, event);
  }

  /** Kinds of the events about a message, those that are not kept included. */
  kindsOf(group: string, messageId: string): ReadonlySet<SecurityEventKind> {
    return this.#seen.get(`${group} ${messageId}`) ?? new Set();
  }

  kindsIn(group: string): ReadonlySet<SecurityEventKind> {
    return this.#groups.get(group) ?? new Set();
  }
}

function kindsOf(found: Map<string, Set<SecurityEventKind>>, name: string): Set<SecurityEventKind> {
  const known = found.get(name);
  if (known !== undefined) return known;
  const made = new Set<SecurityEventKind>();
  found.set(name, made);
  return made;
}
