import { cloudPoint, type ErrorCode } from "@postern/contracts";
import { unmappedDeadLetter } from "../../dead-letters/new-dead-letter";
import { signerNow } from "../../proofs/signing";
import type { PageContext } from "./page-context";
import type { UnreadableEntity } from "../../ports/source";
import type { SyncPorts } from "../../ports/cloud-ports";
import { cutMessages, workQueueOf } from "../../work/work-messages";
import type { WorkPageResult } from "../entities/work-page";

/** What became of a page's entities; part of its record once it is committed. */
export interface PageOutcome {
  readonly counts: {
    readonly read: number;
    readonly enqueued: number;
    readonly held: number;
    readonly newlySent: number;
  };
  readonly failures: readonly {
    readonly entity: WorkPageResult["failures"][number]["entity"];
    readonly code: ErrorCode;
    readonly reason: string;
  }[];
}

/** Sends a page's items and stores a dead letter for each entity that could not become one. */
export async function enqueue(
  ports: SyncPorts,
  page: PageContext,
  result: WorkPageResult,
  unreadable: readonly UnreadableEntity[],
): Promise<PageOutcome> {
  const { version, cycleId } = page;
  const { definition } = page.compiled;
  return ports.tracing.span(
    "enqueue",
    {
      kind: "producer",
      attributes: { "postern.items": result.items.length, "postern.version": version },
    },
    async () => {
      const nowMs = ports.clock.now();
      const traceparent = ports.tracing.traceparent();
      const { messages, oversize } = cutMessages(result.items, {
        ...page,
        // A resync is there to bring the target in line, also where the ledger has lost sight of it.
        verify: page.verify || page.cycleKind === "resync",
        stamp: ports.stamp,
        signer: await signerNow(ports),
        definition,
        time: new Date(nowMs).toISOString(),
        traceparent,
      });
      const failures: PageOutcome["failures"] = [
        ...result.failures,
        ...unreadable.map((failure) => ({ ...failure, code: "object-unreadable" as const })),
        ...oversize.map(({ entity }) => ({
          entity,
          code: "item-too-large" as const,
          reason: "the item is larger than a work message may be: map fewer or shorter columns",
        })),
      ];
      cloudPoint("before-enqueue");
      if (messages.length > 0) await ports.bus.send(workQueueOf(definition), messages);
      cloudPoint("after-enqueue");
      // Last: a page that cannot be sent is done again under another version, and would store new ones each time.
      if (failures.length > 0) {
        await ports.deadLetters.add(
          failures.map((failure) =>
            unmappedDeadLetter({ ...failure, definition, version, cycleId, traceparent, nowMs }),
          ),
        );
      }
      const { read, held, newlySent } = result;
      const enqueued = result.items.length - oversize.length;
      return { counts: { read, enqueued, held, newlySent }, failures };
    },
  );
}
