import type { Settlement } from "../../engine/model/queue-options";
import type { Properties } from "../../engine/model/queue-message";

/** What an AMQP outcome means for the message, as Service Bus defines it. */
export function settlementOf(
  outcome: "accepted" | "released" | "rejected" | "modified",
  state: unknown,
): Settlement {
  switch (outcome) {
    case "accepted":
      return { kind: "complete" };
    case "released":
      return { kind: "release" };
    case "modified": {
      const properties = propertiesOf(field(state, "message_annotations"));
      return {
        kind: field(state, "undeliverable_here") === true ? "defer" : "abandon",
        properties,
      };
    }
    case "rejected":
      return {
        kind: "dead-letter",
        properties: propertiesOf(field(field(state, "error"), "info")),
      };
  }
}

/** rhea's composites have their fields as getters, so a schema cannot be laid over them. */
function field(composite: unknown, name: string): unknown {
  return typeof composite === "object" && composite !== null
    ? (Reflect.get(composite, name) as unknown)
    : undefined;
}

function propertiesOf(map: unknown): Properties {
  return typeof map === "object" && map !== null ? { ...map } : {};
}
