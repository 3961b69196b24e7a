import type { DefinitionId } from "@postern/contracts";
import type { Order } from "../../dead-letters/dead-letter";
import { timeSortedId } from "@postern/runtime";
import type { AuditTrail } from "../../audit/audit-trail";
import type { SyncPorts } from "../../ports/cloud-ports";

/**
 * Who releases which held items and why, written before anything goes out: what cannot be audited is not released.
 *
 * An entry for each request, also for one that is repeated. Made from the trace id, which the caller chooses, a second
 * release could be hidden behind a first.
 */
export async function auditRelease(
  ports: Pick<SyncPorts, "clock" | "random"> & { readonly audit: AuditTrail },
  release: { readonly definition: DefinitionId; readonly holds: readonly string[] | undefined },
  order: Order,
): Promise<void> {
  const nowMs = ports.clock.now();
  await ports.audit.add({
    id: timeSortedId(nowMs, () => ports.random.next()),
    subject: `syncs/${release.definition}`,
    at: new Date(nowMs).toISOString(),
    action: "releaseHolds",
    actor: order.by,
    decision: "allowed",
    status: 200,
    traceId: order.traceId,
    detail: null,
    reason: order.reason,
    // Ids hold no white space.
    change: { holds: release.holds?.join(" ") ?? "all" },
  });
}
