import type { Container, Database } from "@azure/cosmos";
import {
  containers,
  historyTtlSeconds,
  SecurityEvent,
  SecurityEventCount,
  securityEventsKept,
} from "@postern/contracts";
import { guarded, jsonBody, queryAll, statusOf } from "../azure/cosmos-operations";
import { documentContainer } from "../azure/document-container";
import type { ListOptions, ListPage } from "../ports/list-page";
import { equalTo, keysetPage } from "../azure/keyset-page";
import type { SecurityEvents } from "../ports/security-events";

export interface SecurityEventQuery {
  readonly group?: string | undefined;
  readonly kind?: string | undefined;
}

export interface SecurityEventStore extends SecurityEvents {
  /** Newest first. */
  list(query: SecurityEventQuery, options: ListOptions): Promise<ListPage<SecurityEvent>>;
}

/** Container `security`: events, and for each group, kind and minute their count. */
export function createSecurityEventStore(database: Database): SecurityEventStore {
  const container = database.container(containers.security);
  const events = documentContainer(container, SecurityEvent);
  return {
    record: async (found) => {
      const kept = await keptBefore(container, found);
      const fresh = found.filter(({ digest }) => !kept.has(digest));
      for (const ofMinute of Map.groupBy(fresh, countId).values()) {
        const before = await countUp(container, ofMinute);
        const room = ofMinute.slice(0, Math.max(0, securityEventsKept - before));
        for (const event of room) {
          await events.create(event);
          kept.add(event.digest);
        }
      }
      return found.map(({ digest }) => kept.has(digest));
    },
    pending: (keys, limit) =>
      events.query({
        query: `SELECT TOP ${limit} * FROM c WHERE c.type = 'event' AND IS_DEFINED(c.pending) AND ARRAY_CONTAINS(@keys, c.key) ORDER BY c.id ASC`,
        parameters: [{ name: "@keys", value: [...keys] }],
      }),
    settle: async ({ id, group }) => {
      const stored = await events.read(id, group);
      if (stored === undefined) return;
      const { pending: _judged, key: _key, ...event } = stored.value;
      await events.replace(event, group, stored.etag);
    },
    list: (query, options) =>
      keysetPage(events, {
        ...equalTo({ ...query, type: "event" }),
        order: "DESC",
        ...options,
      }),
  };
}

const Kept = SecurityEvent.pick({ digest: true });

/** `20261121T0800-main-code-wrong` */
function countId({ at, group, kind }: Pick<SecurityEvent, "at" | "group" | "kind">): string {
  return `${at.slice(0, MINUTE_CHARS).replace(/[-:]/g, "")}-${group}-${kind}`;
}

/** `2026-11-21T08:00` */
const MINUTE_CHARS = 16;

async function keptBefore(
  container: Container,
  events: readonly SecurityEvent[],
): Promise<Set<string>> {
  const kept = new Set<string>();
  for (const [group, ofGroup] of Map.groupBy(events, (event) => event.group)) {
    const documents = await queryAll(
      container,
      {
        query:
          "SELECT c.digest FROM c WHERE c.type = 'event' AND ARRAY_CONTAINS(@digests, c.digest)",
        parameters: [{ name: "@digests", value: ofGroup.map(({ digest }) => digest) }],
      },
      group,
    );
    for (const document of documents) kept.add(Kept.parse(document).digest);
  }
  return kept;
}

/** Returns how many were counted before these. */
async function countUp(container: Container, events: readonly SecurityEvent[]): Promise<number> {
  const [first] = events;
  if (first === undefined) return 0;
  const id = countId(first);
  const { group, kind, at } = first;
  const increment = async (): Promise<number> => {
    const { resource } = await guarded(() =>
      container
        .item(id, group)
        .patch<{ id: string }>([{ op: "incr", path: "/count", value: events.length }]),
    );
    return SecurityEventCount.parse(resource).count - events.length;
  };
  try {
    return await increment();
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
  }
  const minute = `${at.slice(0, MINUTE_CHARS)}:00.000Z`;
  const count: SecurityEventCount = {
    id,
    type: "count",
    group,
    kind,
    at: minute,
    count: events.length,
    ttl: historyTtlSeconds,
  };
  try {
    await guarded(() => container.items.create(jsonBody(count)));
    return 0;
  } catch (error) {
    if (statusOf(error) !== 409) throw error;
    return increment();
  }
}
