/**
 * The http server. For each request it reads the body, checks the signature, takes a fault from the plan, carries the
 * request out, and replies once the journal has committed. A request is carried out within one turn of the event loop,
 * so no request sees another half done.
 */
import type { KeyObject } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Counters, Fault, FaultPlan } from "@postern/emulator-kit";
import type { Account } from "../engine/account";
import { FAILED_CHARGE } from "../engine/model/charge";
import { CosmosError, THROTTLED } from "../engine/model/cosmos-error";
import type { Journal } from "../engine/model/journal";
import { authorize } from "./authorization";
import { documentOperation, handleDocuments } from "./document-routes";
import { handleMetadata, queryPlan } from "./metadata-routes";
import { errorReply, send, type Reply } from "./reply";
import { CosmosRequest, readBody } from "./request";

export interface ServerParts {
  readonly account: Account;
  readonly journal: Journal;
  readonly faults: FaultPlan;
  readonly counters: Counters;
  readonly key: KeyObject;
  readonly nowMs: () => number;
}

/** Longer than any client keeps an idle connection, so that none is closed while a request is on its way. */
const KEEP_ALIVE_MS = 10 * 60 * 1000;

export function createCosmosServer(parts: ServerParts): Server {
  const server = createServer(
    { noDelay: true, keepAliveTimeout: KEEP_ALIVE_MS },
    (message, response) => {
      readBody(message, (text, tooLarge) => {
        try {
          if (tooLarge !== undefined) throw tooLarge;
          handle(parts, message, text, response);
        } catch (error) {
          send(response, errorReply(toCosmosError(error)));
        }
      });
    },
  );
  server.headersTimeout = 60_000;
  return server;
}

function toCosmosError(error: unknown): CosmosError {
  if (error instanceof CosmosError) return error;
  // A bug of the emulator: reported to the client, where it is seen.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CosmosError("ServiceUnavailable", `The emulator failed: ${text}`);
}

function handle(
  parts: ServerParts,
  message: IncomingMessage,
  text: string,
  response: ServerResponse,
): void {
  const request = new CosmosRequest(message, text);
  authorize(request, parts.key, parts.nowMs());
  const { segments } = request;
  if (segments[4] !== "docs") {
    parts.counters.add("metadataRequests");
    sendCommitted(parts, response, handleMetadata(request, parts.account));
    return;
  }
  const operation = documentOperation(request);
  if (operation === "query-plan") {
    parts.counters.add("metadataRequests");
    send(response, queryPlan(request));
    return;
  }
  const containerId = segments[3] ?? "";
  parts.counters.add("requests");
  parts.counters.add(`requests:${containerId}`);
  parts.counters.add(`requests.${operation}`);
  const run = (): Reply => {
    try {
      const container = parts.account.database(segments[1] ?? "").container(containerId);
      return handleDocuments(request, container, operation, parts.nowMs());
    } catch (error) {
      return errorReply(toCosmosError(error), FAILED_CHARGE);
    }
  };
  const fault = parts.faults.take(operation, containerId);
  if (fault === undefined) sendCharged(parts, response, run());
  else strike(parts, fault, response, run);
}

function sendCharged(parts: ServerParts, response: ServerResponse, reply: Reply): void {
  parts.counters.add("requestUnits", reply.charge);
  sendCommitted(parts, response, reply);
}

function sendCommitted(parts: ServerParts, response: ServerResponse, reply: Reply): void {
  parts.journal.afterCommit((failure) => {
    if (failure === undefined) return send(response, reply);
    const message = `The emulator could not store its data (${failure.message}); restart it.`;
    send(response, errorReply(new CosmosError("ServiceUnavailable", message)));
  });
}

/** Carries out a fault. */
function strike(
  parts: ServerParts,
  fault: Fault,
  response: ServerResponse,
  run: () => Reply,
): void {
  switch (fault.kind) {
    case "delay":
      setTimeout(() => sendCharged(parts, response, run()), fault.delayMs).unref();
      return;
    case "cut":
      response.destroy();
      return;
    case "lose-reply":
      parts.counters.add("requestUnits", run().charge);
      parts.journal.afterCommit(() => response.destroy());
      return;
    case "throttle": {
      parts.counters.add("throttled");
      const error = new CosmosError(
        "TooManyRequests",
        "The request rate is too large. Please retry after some time.",
        THROTTLED,
      );
      send(response, { ...errorReply(error), retryAfterMs: fault.retryAfterMs });
      return;
    }
    case "refuse":
      send(response, refusal(fault.status ?? 503));
      return;
  }
}

function refusal(status: number): Reply {
  const body = JSON.stringify({
    code: String(status),
    message: "Refused, as the fault plan says.",
  });
  return { status, body, charge: 0 };
}
