import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { invariant } from "@postern/contracts";
import type { Delivery } from "../ports/broker";

/** A delivery that keeps the SDK's message, because only that can be settled. */
export class BusDelivery implements Delivery {
  readonly #message: ServiceBusReceivedMessage;
  readonly returnCredit: () => void;

  constructor(message: ServiceBusReceivedMessage, returnCredit: () => void) {
    this.#message = message;
    this.returnCredit = returnCredit;
  }

  static sdkMessageOf(delivery: Delivery): ServiceBusReceivedMessage {
    invariant(delivery instanceof BusDelivery, "a delivery is settled where it came from");
    return delivery.#message;
  }

  get messageId(): string {
    const id = this.#message.messageId;
    return typeof id === "string" ? id : String(id ?? "");
  }

  get deliveryCount(): number {
    return this.#message.deliveryCount ?? 0;
  }

  get properties(): Readonly<Record<string, unknown>> | undefined {
    return this.#message.applicationProperties;
  }

  get body(): unknown {
    return this.#message.body as unknown;
  }
}
