/**
 * Helps the SDK to let go of a client. It waits a minute for every answer of the broker, also for those to its good-byes,
 * and an accept that is pending when the client is closed keeps its timer, and with it the process, for as long. Both
 * functions reach into parts of the SDK; where these are not found, the minute just runs out.
 */
import { EventEmitter } from "node:events";
import type { ServiceBusClient } from "@azure/service-bus";

const GOOD_BYE_SECONDS = 1;

function inner(value: unknown, ...path: string[]): object | undefined {
  let part = value;
  for (const name of path) {
    if (typeof part !== "object" || part === null) return undefined;
    part = Reflect.get(part, name);
  }
  return typeof part === "object" && part !== null ? part : undefined;
}

/** Before closing: what is asked from now on is given up after a second. */
export function shortenGoodByes(client: ServiceBusClient): void {
  const options = inner(client, "_connectionContext", "connection", "options");
  if (options) Reflect.set(options, "operationTimeoutInSeconds", GOOD_BYE_SECONDS);
}

/**
 * After closing: ends what still waits. The SDK listens for a lost connection, which a close of our own is not, so this
 * says that there was one.
 */
export function endPendingLinks(client: ServiceBusClient): void {
  const connection = inner(client, "_connectionContext", "connection", "_connection");
  if (connection === undefined) return;
  const emit: unknown = Reflect.get(connection, "emit");
  if (typeof emit !== "function" || emit !== EventEmitter.prototype.emit) return;
  Reflect.apply(emit, connection, ["disconnected", { connection, error: new Error("closed") }]);
}
