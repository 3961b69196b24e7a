/** A link on which a client puts tokens (claims-based security): what it may attach to on this connection. */
import { BrokerError } from "../../engine/model/broker-error";
import type { ClientConnection, OpenLink } from "../connection/client-connection";
import { refusalOf } from "../connection/conditions";
import { underFaults } from "../connection/faults";
import { ACCEPTED, amqpTypes, type RheaLink, type RheaSession } from "../rhea/rhea";
import { readRequest, type Request } from "./request";
import { SAS_TOKEN_TYPE, entityOfAudience } from "../connection/shared-access";

export class ClaimsLink implements OpenLink {
  readonly session: RheaSession;
  readonly #connection: ClientConnection;
  readonly #link: RheaLink;

  constructor(connection: ClientConnection, link: RheaLink) {
    this.session = link.session;
    this.#connection = connection;
    this.#link = link;
  }

  start(): void {
    this.#connection.addLink(this);
    this.#link.on("receiver_close", () => this.ended());
    this.#link.on("message", ({ delivery, message }) => {
      if (delivery === undefined || !Buffer.isBuffer(message)) return;
      delivery.update(true, ACCEPTED);
      this.#handle(readRequest(message));
    });
    this.#link.open();
  }

  ended(): void {
    this.#connection.removeLink(this);
  }

  #handle(request: Request): void {
    const audience = request.properties["name"];
    const entity = entityOfAudience(typeof audience === "string" ? audience : "");
    const refuse = (error: unknown): void => {
      const { status, description } = refusalOf(error);
      this.#answer(request, status, description);
    };
    underFaults(this.#connection.services.faults, this.#connection, "put-token", entity, {
      run: (answer) => {
        try {
          this.#connection.grant(this.#verify(request));
        } catch (error) {
          return refuse(error);
        }
        if (answer) this.#answer(request, 202, "Accepted");
        else this.#connection.drop();
      },
      refuse,
    });
  }

  #verify({ operation, properties, body }: Request): string {
    if (operation !== "put-token") {
      throw new BrokerError("not-implemented", `The operation '${operation}' is not known.`);
    }
    if (properties["type"] !== SAS_TOKEN_TYPE) {
      throw new BrokerError(
        "unauthorized",
        "The emulator takes shared access signatures only; connect with its connection string.",
      );
    }
    return this.#connection.services.sharedAccess.verify(typeof body === "string" ? body : "");
  }

  #answer(request: Request, status: number, description: string): void {
    this.#connection.findReplyLink(request.replyTo, this.session)?.send({
      correlation_id: request.id,
      application_properties: {
        "status-code": amqpTypes.wrap_int(status),
        "status-description": description,
      },
    });
  }
}
