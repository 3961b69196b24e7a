/**
 * Sends what functions return to their Service Bus output bindings (`return` and `extraOutputs`), before the invocation
 * counts as succeeded. One client per connection, created on first use.
 */
import type { ServiceBusClient, ServiceBusMessage, ServiceBusSender } from "@azure/service-bus";
import { z } from "zod";
import type { RegisteredFunction } from "../../engine/app/core-module";
import type { Invocation } from "../../engine/app/invoker";
import type { RpcInvocationResponse, RpcTypedData } from "../../engine/app/rpc";
import type { AppSettings } from "../../engine/config/app-settings";
import { parseBinding, ServiceBusOutputBinding } from "../../engine/app/bindings";
import { FunctionsHostError } from "../../engine/diagnostics/errors";
import type { HostJson } from "../../engine/config/host-json";
import { createClient, resolveConnection, type ConnectionTarget } from "./client/connection";

export interface OutputBindingsOptions {
  readonly settings: AppSettings;
  readonly hostJson: HostJson;
}

interface Output {
  readonly entity: string;
  readonly target: ConnectionTarget;
}

const RETURN = "$return";
const JsonValue = z.json();

export class OutputBindings {
  readonly #options: OutputBindingsOptions;
  readonly #clients = new Map<string, Promise<ServiceBusClient>>();
  readonly #delivers = new Map<RegisteredFunction, Invocation["deliver"]>();
  readonly #senders = new Map<string, Promise<ServiceBusSender>>();

  constructor(options: OutputBindingsOptions) {
    this.#options = options;
  }

  /** Returns what delivers the outputs of a function; undefined if it has none. */
  of(fn: RegisteredFunction): Invocation["deliver"] {
    if (!this.#delivers.has(fn)) this.#delivers.set(fn, this.#deliver(fn));
    return this.#delivers.get(fn);
  }

  async close(): Promise<void> {
    const clients = await Promise.allSettled(this.#clients.values());
    for (const client of clients) if (client.status === "fulfilled") await client.value.close();
  }

  #deliver(fn: RegisteredFunction): Invocation["deliver"] {
    const outputs = new Map<string, Output>();
    const unsupported = new Map<string, string>();
    for (const [name, { type = "", direction }] of Object.entries(fn.metadata.bindings)) {
      const kind = type.toLowerCase();
      if (direction !== "out" || kind === "http") continue;
      if (kind === "servicebus") outputs.set(name, this.#output(fn, name));
      else unsupported.set(name, type);
    }
    if (outputs.size === 0 && unsupported.size === 0) return undefined;
    return async (response) => {
      for (const [name, data] of values(response)) {
        const type = unsupported.get(name);
        if (type !== undefined) {
          throw new FunctionsHostError(
            "binding-invalid",
            `Output bindings of type ${type} (${name}) are not supported by this emulator.`,
          );
        }
        const output = outputs.get(name);
        if (output) await this.#send(output, toMessages(data));
      }
    };
  }

  #output(fn: RegisteredFunction, bindingName: string): Output {
    const { settings } = this.#options;
    const where = `Function "${fn.metadata.name}"`;
    const binding = parseBinding(ServiceBusOutputBinding, fn, bindingName);
    return {
      entity: settings.expand(binding.queueName ?? binding.topicName ?? "", where),
      target: resolveConnection(binding.connection, settings, where),
    };
  }

  async #send(output: Output, messages: readonly ServiceBusMessage[]): Promise<void> {
    const sender = await this.#sender(output);
    let batch = await sender.createMessageBatch();
    for (const message of messages) {
      if (batch.tryAddMessage(message)) continue;
      if (batch.count > 0) await sender.sendMessages(batch);
      batch = await sender.createMessageBatch();
      if (!batch.tryAddMessage(message)) await sender.sendMessages(message); // the SDK reports that it is too large
    }
    if (batch.count > 0) await sender.sendMessages(batch);
  }

  #sender({ entity, target }: Output): Promise<ServiceBusSender> {
    const connection = JSON.stringify(target);
    const key = `${connection}\n${entity}`;
    let sender = this.#senders.get(key);
    if (sender === undefined) {
      let client = this.#clients.get(connection);
      if (client === undefined) {
        client = createClient(target, this.#options.hostJson.extensions.serviceBus);
        this.#clients.set(connection, client);
      }
      sender = client.then((made) => made.createSender(entity));
      this.#senders.set(key, sender);
    }
    return sender;
  }
}

function values({ returnValue, outputData }: RpcInvocationResponse): [string, RpcTypedData][] {
  const named = (outputData ?? []).map(({ name, data }): [string, RpcTypedData] => [name, data]);
  return returnValue ? [[RETURN, returnValue], ...named] : named;
}

/** An array becomes one message per element; content types are those of the service's extension. */
function toMessages(data: RpcTypedData): ServiceBusMessage[] {
  if (data.bytes !== undefined) {
    return [{ body: Buffer.from(data.bytes), contentType: "application/octet-stream" }];
  }
  if (data.json === undefined) {
    return [textMessage(data.string ?? String(data.int ?? data.double ?? ""))];
  }
  const value = JsonValue.parse(JSON.parse(data.json));
  return (Array.isArray(value) ? value : [value]).map((element) =>
    typeof element === "string"
      ? textMessage(element)
      : { body: Buffer.from(JSON.stringify(element)), contentType: "application/json" },
  );
}

function textMessage(text: string): ServiceBusMessage {
  return { body: Buffer.from(text), contentType: "text/plain" };
}
