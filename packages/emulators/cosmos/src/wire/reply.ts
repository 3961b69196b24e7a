import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { Container } from "../engine/container";
import type { CosmosError } from "../engine/model/cosmos-error";

export interface Reply {
  readonly status: number;
  readonly body: string;
  /** Request units, where the request has a cost. */
  readonly charge: number;
  readonly container?: Container | undefined;
  readonly etag?: string | undefined;
  readonly continuation?: string | undefined;
  readonly itemCount?: number | undefined;
  readonly substatus?: number | undefined;
  readonly retryAfterMs?: number | undefined;
}

export function errorReply(error: CosmosError, charge = 0): Reply {
  const body = JSON.stringify({ code: error.code, message: error.message });
  return { status: error.status, body, charge, substatus: error.substatus };
}

export function jsonReply(status: number, body: unknown, etag?: string): Reply {
  return { status, body: JSON.stringify(body), charge: 1, etag };
}

const activityPrefix = `${randomBytes(4).toString("hex")}-${randomBytes(2).toString("hex")}-4000-8000-`;
let activityNumber = 0;

/** Session tokens name the one physical partition, 0, and the number of the last write. */
function sessionToken(container: Container): string {
  return `0:-1#${container.lsn}`;
}

export function send(response: ServerResponse, reply: Reply): void {
  if (response.destroyed) return;
  activityNumber += 1;
  // A string leaves in one write with the headers; a buffer would take a second one.
  const { body } = reply;
  const headers: string[] = [
    "content-type",
    "application/json",
    "content-length",
    String(Buffer.byteLength(body)),
    "x-ms-activity-id",
    activityPrefix + activityNumber.toString(16).padStart(12, "0"),
    "x-ms-request-charge",
    String(reply.charge),
  ];
  const { container, etag, continuation, itemCount, substatus, retryAfterMs } = reply;
  if (container !== undefined) {
    const lsn = String(container.lsn);
    headers.push("x-ms-session-token", sessionToken(container), "lsn", lsn);
    headers.push("x-ms-content-path", container.resourceId);
  }
  if (etag !== undefined) headers.push("etag", etag);
  if (continuation !== undefined) headers.push("x-ms-continuation", continuation);
  if (itemCount !== undefined) headers.push("x-ms-item-count", String(itemCount));
  if (substatus !== undefined) headers.push("x-ms-substatus", String(substatus));
  if (retryAfterMs !== undefined) headers.push("x-ms-retry-after-ms", String(retryAfterMs));
  const bodiless = reply.status === 204 || reply.status === 304;
  if (bodiless) headers.splice(0, 4);
  response.writeHead(reply.status, headers);
  response.end(bodiless ? undefined : body);
}
