import {
  clip,
  historyTtlSeconds,
  limits,
  type OperationId,
  PosternError,
} from "@postern/contracts";
import { timeSortedId } from "@postern/runtime";
import type { AuditEntry, AuditTrail } from "../audit/audit-trail";
import type { WallClock, Logger, Random } from "@postern/runtime";
import type { RequestReport } from "../http/endpoint";

/**
 * What people do to the platform. Agents' heartbeats and leases are kept in the documents that they change; an action
 * on dead letters or a release of held items is recorded before it happens, with the reason.
 */
const audited: ReadonlySet<OperationId> = new Set<OperationId>([
  "createJob",
  "putSync",
  "startCycle",
]);

/** One log event per request, and an audit entry for each change that was requested and each role that was missing. */
export function requestReporter(
  ports: { readonly logger: Logger; readonly clock: WallClock; readonly random: Random },
  trail: AuditTrail,
): (report: RequestReport) => Promise<void> {
  return async (report) => {
    log(ports.logger, report);
    const entry = auditEntry(ports, report);
    if (entry === undefined) return;
    try {
      await trail.add(entry);
    } catch (error) {
      // The change has been made, so the reply stands. The log keeps the entry.
      ports.logger.error("audit-entry.store-failed", { ...entry, error: textOf(error) });
    }
  };
}

function log(logger: Logger, report: RequestReport): void {
  const { error, caller, params: _params, location: _location, ...rest } = report;
  const fields = {
    ...rest,
    ...(caller === undefined ? {} : { oid: caller.oid, azp: caller.azp }),
    ...(error instanceof PosternError ? { code: error.code, detail: error.message } : {}),
  };
  if (report.status < 500) return logger.info("request.handled", fields);
  logger.error("request.handled", { ...fields, error: textOf(error) });
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : ` <- ${textOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

function auditEntry(
  ports: { readonly clock: WallClock; readonly random: Random },
  report: RequestReport,
): AuditEntry | undefined {
  const { caller, operationId, status, traceId, error } = report;
  const denied = status === 403;
  if (caller === undefined || !(denied || audited.has(operationId))) return undefined;
  const now = ports.clock.now();
  return {
    id: timeSortedId(now, () => ports.random.next()),
    subject: subjectOf(report.location ?? report.path),
    at: new Date(now).toISOString(),
    action: operationId,
    actor: { oid: caller.oid, azp: caller.azp, name: caller.name },
    decision: denied ? "denied" : "allowed",
    status,
    traceId,
    detail: error instanceof PosternError ? clip(error.message, limits.auditDetailChars) : null,
    // Changes are kept for good; refusals are not, because an attacker could cause thousands.
    ...(denied ? { ttl: historyTtlSeconds } : {}),
  };
}

/** `/api/syncs/people/cycles/c1` → `syncs/people`: everything that happens to one resource is found together. */
function subjectOf(path: string): string {
  return clip(path.split("/").slice(2, 4).join("/"), limits.pathChars);
}
