/** A link on which a client puts tokens (claims-based security), which open entities to its connection. */
import { BrokerError } from "../../engine/model/broker-error";
import type { ClientConnection } from "../connection/client-connection";
import { refusalOf } from "../connection/conditions";
import { underFaults } from "../connection/faults";
import { SAS_TOKEN_TYPE, entityOfAudience, type SharedAccess } from "../connection/shared-access";
import { amqpTypes, type RheaLink } from "../rhea/rhea";
import { openRequestLink } from "./incoming-link";
import type { Request } from "./request";

export function openClaimsLink(connection: ClientConnection, link: RheaLink): void {
  const { faults, sharedAccess } = connection.services;
  openRequestLink(connection, link, (request, reply) => {
    const audience = request.properties["name"];
    const entity = entityOfAudience(typeof audience === "string" ? audience : "");
    const answer = (status: number, description: string): void =>
      reply({
        correlation_id: request.id,
        application_properties: {
          "status-code": amqpTypes.wrap_int(status),
          "status-description": description,
        },
      });
    const refuse = (error: unknown): void => {
      const { status, description } = refusalOf(error);
      answer(status, description);
    };
    underFaults(faults, connection, "put-token", entity, {
      run: (replies) => {
        try {
          connection.grant(verify(request, sharedAccess));
        } catch (error) {
          return refuse(error);
        }
        if (replies) answer(202, "Accepted");
        else connection.drop();
      },
      refuse,
    });
  });
}

/** @returns the entity path that the request's token opens */
function verify({ operation, properties, body }: Request, sharedAccess: SharedAccess): string {
  if (operation !== "put-token") {
    throw new BrokerError("not-implemented", `The operation '${operation}' is not known.`);
  }
  if (properties["type"] !== SAS_TOKEN_TYPE) {
    throw new BrokerError(
      "unauthorized",
      "The emulator accepts shared access signatures only; connect with its connection string.",
    );
  }
  return sharedAccess.verify(typeof body === "string" ? body : "");
}
