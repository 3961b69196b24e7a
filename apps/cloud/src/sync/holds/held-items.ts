/**
 * Items that the breaker holds, and their release by a person. A released item keeps its version; memberships that
 * follow a released removal are made under the stream's claim, by an on-demand read of their group or member (a
 * follow-up).
 */
import {
  type DefinitionId,
  entityKey,
  historyTtlSeconds,
  type Hold,
  type IndexEntry,
  limits,
  type Marker,
  type SyncDefinition,
  type Version,
} from "@postern/contracts";
import { cycleDocumentId } from "../../cycles/cycle-document";
import { followUpIdOf, startFollowUp } from "../streams/follow-up";
import { releaseMessageId } from "../../work/item-message-ids";
import { markerOf } from "../../cycles/message-marker";
import type { IndexWrite } from "../../ports/stores";
import type { SyncPorts } from "../../ports/cloud-ports";
import { ServiceUnavailable } from "@postern/runtime";
import { markerId, pageId } from "../../cycles/document-ids";
import { signerNow } from "../../proofs/signing";
import { singleItemMessage, workQueueOf } from "../../work/work-messages";

const PAGE_HOLDS = 100;
const MAX_RELEASED = 100_000;
const RELEASE_ATTEMPTS = 5;

/** A page may be shorter than the limit: holds that are no longer in force are left out and removed. */
export async function listHolds(
  ports: Pick<SyncPorts, "holds" | "index">,
  definition: DefinitionId,
  options: { readonly limit: number; readonly continuation?: string | undefined },
): Promise<{ items: Hold[]; continuation: string | null }> {
  const { items, continuation } = await ports.holds.list(definition, options);
  const entries = await ports.index.read(
    definition,
    items.map(({ item }) => item.entity),
  );
  const entryOf = ({ item }: Hold): IndexEntry | undefined =>
    entries.get(entityKey(item.entity))?.value;
  const valid = items.filter((hold) => entryOf(hold)?.held === hold.item.version);
  // The index is past them, and its versions only rise.
  const overtaken = items.filter((hold) => (entryOf(hold)?.version ?? 0) > hold.item.version);
  const left = overtaken.filter((hold) => !valid.includes(hold)).map(({ id }) => id);
  if (left.length > 0) await ports.holds.remove(definition, left);
  return { items: valid, continuation };
}

/** Releases the named holds, or all of the definition. Ids without a hold are passed over. */
export async function releaseHolds(
  ports: SyncPorts,
  definition: DefinitionId,
  options: { readonly holds?: readonly string[] | undefined },
): Promise<number> {
  if (options.holds !== undefined) {
    const found = await Promise.all(options.holds.map((id) => ports.holds.get(definition, id)));
    return releaseSome(
      ports,
      definition,
      found.filter((hold) => hold !== undefined),
    );
  }
  let released = 0;
  let continuation: string | undefined;
  const all: Hold[] = [];
  while (all.length < MAX_RELEASED) {
    const page = await ports.holds.list(definition, { limit: PAGE_HOLDS, continuation });
    all.push(...page.items);
    if (page.continuation === null) break;
    continuation = page.continuation;
  }
  for (let start = 0; start < all.length; start += PAGE_HOLDS) {
    released += await releaseSome(ports, definition, all.slice(start, start + PAGE_HOLDS));
  }
  return released;
}

async function releaseSome(
  ports: SyncPorts,
  definition: DefinitionId,
  holds: readonly Hold[],
): Promise<number> {
  const record = await ports.definitions.get(definition);
  if (record === undefined || holds.length === 0) return 0;
  for (let attempt = 0; attempt < RELEASE_ATTEMPTS; attempt += 1) {
    const released = await tryRelease(ports, record.value.definition, holds);
    if (released !== undefined) return released;
  }
  ports.logger.warn("release.interrupted", { definition });
  // The holds are still there: the caller gets the error and tries again.
  throw new ServiceUnavailable("cosmos", "held items change faster than they can be released");
}

/**
 * Undefined when an entity moved at this moment, or the index showed an older state: to be done again from the start.
 */
async function tryRelease(
  ports: SyncPorts,
  syncDefinition: SyncDefinition,
  holds: readonly Hold[],
): Promise<number | undefined> {
  const definition = syncDefinition.id;
  const entries = await ports.index.read(
    definition,
    holds.map(({ item }) => item.entity),
  );
  const released: Hold[] = [];
  const overtaken: string[] = [];
  const writes: IndexWrite[] = [];
  for (const hold of holds) {
    const stored = entries.get(entityKey(hold.item.entity));
    const { item } = hold;
    // Not in the index yet, or an older state of it was shown: it is left where it is.
    if (stored === undefined || stored.value.version < item.version) continue;
    if (stored.value.version > item.version) {
      overtaken.push(hold.id);
      continue;
    }
    released.push(hold);
    const { held, ...entry } = stored.value;
    // An earlier call has come this far and no further: the rest is done again.
    if (held === undefined) continue;
    writes.push({
      etag: stored.etag,
      entry: {
        ...entry,
        desired: item.desired,
        targetKey: { ...item.key },
        watched: watchedAfter(entry.watched, item.values),
        ...(item.entity.type === "membership" ? {} : { follow: "once-more" }),
      },
    });
  }
  // Sent first, and the holds go last: whatever fails between leaves the holds, and the next call repeats every step
  // without doing it twice. An item that has been overtaken meanwhile is superseded at the target.
  await sendReleased(ports, syncDefinition, released);
  for (const [version, ofVersion] of Map.groupBy(released, ({ item }) => item.version)) {
    await countReleased(ports, definition, version, ofVersion);
  }
  if ((await ports.index.write(writes)) === undefined) return undefined;
  await followReleased(ports, definition, released);
  await ports.holds.remove(definition, [...released.map(({ id }) => id), ...overtaken]);
  return released.length;
}

function watchedAfter(
  before: Readonly<Record<string, unknown>> | undefined,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(before ?? {}).map(([name, value]) => [
      name,
      name in values ? values[name] : value,
    ]),
  );
}

async function sendReleased(
  ports: SyncPorts,
  definition: SyncDefinition,
  holds: readonly Hold[],
): Promise<void> {
  const time = new Date(ports.clock.now()).toISOString();
  const signer = await signerNow(ports);
  const messages = holds.map(({ item, stream, cycleId }) =>
    singleItemMessage(
      {
        stamp: ports.stamp,
        signer,
        definition,
        stream,
        cycleId,
        version: item.version,
        time,
        traceparent: ports.tracing.traceparent(),
      },
      item,
      { messageId: releaseMessageId(definition.id, item) },
    ),
  );
  if (messages.length > 0) await ports.bus.send(workQueueOf(definition), messages);
}

/** Operations of one transaction, the page record's and the cycle's among them (facts: Cosmos). */
const COUNTED_AT_ONCE = 98;

/**
 * From held to sent, in the record of the page that held them, once for each: a marker without counts remembers it. A
 * page that was abandoned has no record, and its items count nowhere.
 */
async function countReleased(
  ports: SyncPorts,
  definition: DefinitionId,
  version: Version,
  holds: readonly Hold[],
): Promise<void> {
  const count = async (part: readonly Hold[]): Promise<void> => {
    const result = await ports.progress.transact(definition, [
      {
        kind: "patch",
        id: pageId(version),
        increment: { "/count": part.length, "/held": -part.length },
        set: { "/ttl": restOfHistory(part, ports.clock.now()) },
      },
      // All of one page, and so of one cycle: makes the cycle watch look at it again.
      ...part.slice(0, 1).map(({ cycleId }) => ({
        kind: "patch" as const,
        id: cycleDocumentId(cycleId),
        set: { "/closedAt": null },
      })),
      ...part.map((hold) => ({
        kind: "create" as const,
        document: releaseMarker(definition, hold, ports.clock.now()),
      })),
    ]);
    if (result.ok || result.reason === "missing" || part.length === 1) return;
    for (const hold of part) await count([hold]);
  };
  for (let start = 0; start < holds.length; start += COUNTED_AT_ONCE) {
    await count(holds.slice(start, start + COUNTED_AT_ONCE));
  }
}

/** A write restarts the time to live; the page's markers keep theirs, and the record must not outlive them. */
function restOfHistory(holds: readonly Hold[], nowMs: number): number {
  const heldAtMs = Math.min(...holds.map(({ heldAt }) => Date.parse(heldAt)));
  return Math.max(1, Math.ceil(historyTtlSeconds - (nowMs - heldAtMs) / 1_000));
}

function releaseMarker(definition: DefinitionId, { item, cycleId }: Hold, nowMs: number): Marker {
  const workMessageId = releaseMessageId(definition, item);
  const place = { definition, cycleId, version: item.version };
  return {
    ...markerOf(workMessageId, workMessageId, place, {}, nowMs),
    id: `released:${markerId(workMessageId)}`,
  };
}

/**
 * Memberships of what was removed follow it, under new versions: those come from the stream's claim only. Cycles of
 * their own, made from what was released: a release that is repeated asks for the same.
 */
async function followReleased(
  ports: SyncPorts,
  definition: DefinitionId,
  holds: readonly Hold[],
): Promise<void> {
  const removed = holds.filter(
    ({ item }) => item.desired === "absent" && item.entity.type !== "membership",
  );
  for (const [stream, ofStream] of Map.groupBy(removed, (hold) => hold.stream)) {
    const sorted = ofStream.toSorted((a, b) => (a.item.itemId < b.item.itemId ? -1 : 1));
    for (let start = 0; start < sorted.length; start += limits.entitiesPerJob) {
      const items = sorted.slice(start, start + limits.entitiesPerJob).map(({ item }) => item);
      await startFollowUp(ports, {
        definition,
        stream,
        followUp: followUpIdOf(items),
        entities: items.map(({ entity }) => entity),
      });
    }
  }
}
