/**
 * Word of a dropped connection. The SDK has no public event for it, and some of its waits do not end with the connection; so
 * this listens to the connection inside the client (`_connectionContext.connection`, an EventEmitter, in 7.9.5). Should a
 * later version keep it elsewhere, nothing is heard, and the broker's time limits notice the same a few seconds later; a
 * test says so.
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
