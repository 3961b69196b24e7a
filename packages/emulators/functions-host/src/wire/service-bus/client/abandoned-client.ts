/**
 * Helps the SDK to close a client that it has given up. The SDK waits a minute for every reply of the broker, including
 * those to its closing frames, and an accept that is pending when the client is closed keeps its timer, and with it the
 * process, as long. Both functions reach into parts of the SDK; where these are not found, the minute passes.
 */
import { EventEmitter } from "node:events";
import type { ServiceBusClient } from "@azure/service-bus";

const CLOSING_SECONDS = 1;

function inner(value: unknown, ...path: string[]): object | undefined {
  let part = value;
  for (const name of path) {
    if (typeof part !== "object" || part === null) return undefined;
    part = Reflect.get(part, name);
  }
  return typeof part === "object" && part !== null ? part : undefined;
}

/** Call before closing: requests from now on are given up after a second. */
export function shortenClosing(client: ServiceBusClient): void {
  const options = inner(client, "_connectionContext", "connection", "options");
  if (options) Reflect.set(options, "operationTimeoutInSeconds", CLOSING_SECONDS);
}

/**
 * Call after closing: ends what still waits. The SDK ends it when a connection is lost, but not when it is closed from
 * this side, so this reports a lost one.
 */
export function endPendingLinks(client: ServiceBusClient): void {
  const connection = inner(client, "_connectionContext", "connection", "_connection");
  if (connection === undefined) return;
  const emit: unknown = Reflect.get(connection, "emit");
  if (typeof emit !== "function" || emit !== EventEmitter.prototype.emit) return;
  Reflect.apply(emit, connection, ["disconnected", { connection, error: new Error("closed") }]);
}
