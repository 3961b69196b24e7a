/**
 * Detects a dropped connection. The SDK has no public event for it, and some of its waits do not end with the
 * connection. So this listens to the connection inside the client (`_connectionContext.connection`, an EventEmitter, in
 * 7.9.5). If a later version keeps it elsewhere, this detects nothing, and the broker's time limits notice the drop a
 * few seconds later; a test fails then.
 */
import { EventEmitter } from "node:events";
import type { ServiceBusClient } from "@azure/service-bus";

export function onDisconnected(client: ServiceBusClient, then: () => void): void {
  const connection = inner(inner(client, "_connectionContext"), "connection");
  if (connection instanceof EventEmitter) connection.once("disconnected", then);
}

function inner(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
