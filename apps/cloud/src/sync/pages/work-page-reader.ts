import type { StreamName } from "@postern/contracts";
import { type SourceChange, SourceError, type UnreadableEntity } from "../../ports/source";
import type { SyncPorts } from "../../ports/cloud-ports";

/** Graph pages and objects of one work page: enough for lanes to fill messages, little enough to hold two in memory. */
const MAX_SOURCE_PAGES = 8;
const MAX_OBJECTS = 1_600;
/** Pages of long values end a work page before their number does. */
const MAX_BYTES = 4 * 1024 * 1024;

export interface ReadPages {
  readonly changes: readonly SourceChange[];
  /** Become dead letters; nothing else is known of them. */
  readonly unreadable: readonly UnreadableEntity[];
  /** Where to read on; null at the delta link. */
  readonly nextLink: string | null;
  readonly deltaLink: string | null;
  /** What ended the reading early. What came before it is whole and may be used. */
  readonly failure: SourceError | undefined;
  readonly startedAtMs: number;
}

/** Reads from `link` until a work page is full, the delta link is reached, or the source refuses. */
export async function readPages(
  ports: Pick<SyncPorts, "graph" | "clock" | "tracing">,
  stream: StreamName,
  select: readonly string[],
  link: string | null,
): Promise<ReadPages> {
  const startedAtMs = ports.clock.now();
  const changes: SourceChange[] = [];
  const unreadable: UnreadableEntity[] = [];
  let objects = 0;
  let bytes = 0;
  let nextLink = link;
  const isFull = (count: number): boolean =>
    count >= MAX_SOURCE_PAGES || objects >= MAX_OBJECTS || bytes >= MAX_BYTES;
  for (let count = 0; !isFull(count); count += 1) {
    const from = nextLink;
    try {
      const page = await ports.tracing.span(
        "graph page",
        { kind: "client", attributes: { "postern.stream": stream } },
        async (span) => {
          const read = await ports.graph.page(stream, select, from);
          span.set({ "postern.objects": read.changes.length });
          return read;
        },
      );
      unreadable.push(...(page.unreadable ?? []));
      bytes += page.bytes ?? 0;
      for (const change of page.changes) {
        changes.push(change);
        objects += 1 + (change.members?.length ?? 0);
      }
      if (page.deltaLink !== null) {
        return {
          changes,
          unreadable,
          nextLink: null,
          deltaLink: page.deltaLink,
          failure: undefined,
          startedAtMs,
        };
      }
      nextLink = page.nextLink;
    } catch (error) {
      // Nothing read yet: the caller decides. Otherwise what was read is worth keeping.
      if (!(error instanceof SourceError) || count === 0 || error.failure === "expired")
        throw error;
      return { changes, unreadable, nextLink: from, deltaLink: null, failure: error, startedAtMs };
    }
  }
  return { changes, unreadable, nextLink, deltaLink: null, failure: undefined, startedAtMs };
}
