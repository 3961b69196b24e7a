import type { StreamName } from "@postern/contracts";
import { SourceError, type SourceChange } from "../../ports/source";
import type { SyncPorts } from "../../ports/cloud-ports";

/** Graph pages and objects of one work page: enough for lanes to fill messages, little enough to hold two in memory. */
const MAX_SOURCE_PAGES = 8;
const MAX_OBJECTS = 1_600;

export interface ReadPages {
  readonly changes: readonly SourceChange[];
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
  let objects = 0;
  let nextLink = link;
  for (let count = 0; count < MAX_SOURCE_PAGES && objects < MAX_OBJECTS; count += 1) {
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
      for (const change of page.changes) {
        changes.push(change);
        objects += 1 + (change.members?.length ?? 0);
      }
      if (page.deltaLink !== null) {
        return {
          changes,
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
      return { changes, nextLink: from, deltaLink: null, failure: error, startedAtMs };
    }
  }
  return { changes, nextLink, deltaLink: null, failure: undefined, startedAtMs };
}
