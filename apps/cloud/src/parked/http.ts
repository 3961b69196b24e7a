import {
  accountingOf,
  eventAttribute,
  type ParkedRecord,
  type ParkedView,
  Traceparent,
} from "@postern/contracts";
import { auditPayloadRead } from "../dead-letters/dead-letter-audit";
import type { AuditTrail } from "../audit/audit-trail";
import type { ParkedStore } from "./parked-ports";
import { redactPayload } from "../dead-letters/payload-redaction";
import type { SyncPorts } from "../ports/cloud-ports";
import { withoutCodes } from "../proofs/without-codes";
import { requireRole } from "../http/access-token";
import type { Handlers } from "../http/endpoint";
import { afterOf, continuationOf } from "../http/list-continuation";
import { noSuch } from "../http/request-error";

export interface ParkedReadPorts extends Pick<SyncPorts, "clock" | "random"> {
  readonly parked: Pick<ParkedStore, "list" | "find">;
  readonly audit: AuditTrail;
}

/** Parked messages hold people's data as dead letters do: the same policy, in lists, for readers and for operators. */
export function parkedHandlers(ports: ParkedReadPorts): Pick<Handlers, "listParked" | "getParked"> {
  return {
    listParked: async ({ query: { limit, continuation, ...filter } }) => {
      const list = `parked ${JSON.stringify(filter)}`;
      const after = afterOf(list, continuation);
      const page = await ports.parked.list(filter, { limit, after });
      return {
        status: 200,
        body: {
          items: page.items.map((record) => view(record, "redacted")),
          continuation: continuationOf(list, page.next),
        },
      };
    },
    getParked: async ({ params: { id }, query: { payload }, caller, traceId }) => {
      if (payload === "full") requireRole(caller, ["Operator"]);
      const record = await ports.parked.find(id);
      if (record === undefined) throw noSuch("parked message", id);
      if (payload === "full") {
        const { oid, azp, name } = caller;
        const read = { subject: id, action: "readParkedPayload" };
        await auditPayloadRead(ports, read, { by: { oid, azp, name }, traceId });
      }
      return { status: 200, body: view(record, payload) };
    },
  };
}

function view(record: ParkedRecord, payloadShown: ParkedView["payloadShown"]): ParkedView {
  const { properties, payload, sessionId, workMessageId, ttl: _ttl, ...rest } = record;
  const {
    definition = null,
    cycleId = null,
    version = null,
    count = null,
  } = accountingOf(properties) ?? {};
  const trace = Traceparent.safeParse(eventAttribute(properties, "traceparent"));
  return {
    ...rest,
    lane: sessionId,
    messageId: workMessageId,
    definition,
    cycleId,
    version,
    items: count,
    traceparent: trace.success ? trace.data : null,
    payload: payloadShown === "full" ? withoutCodes(payload) : redactPayload(payload),
    payloadShown,
  };
}
