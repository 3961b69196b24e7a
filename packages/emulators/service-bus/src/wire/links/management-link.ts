/** A link on which a client sends management requests for a queue. */
import { BrokerError } from "../../engine/model/broker-error";
import type { Queue } from "../../engine/queue";
import type { ClientConnection, OpenLink } from "../connection/client-connection";
import { refusalOf } from "../connection/conditions";
import { underFaults } from "../connection/faults";
import { MANAGEMENT_OPERATIONS, type Answer } from "./management-operations";
import { ACCEPTED, amqpTypes, type RheaLink, type RheaSession } from "../rhea/rhea";
import { readRequest, type Request } from "./request";

const VENDOR_PREFIX = "com.microsoft:";

export class ManagementLink implements OpenLink {
  readonly session: RheaSession;
  readonly #connection: ClientConnection;
  readonly #link: RheaLink;
  readonly #queue: Queue;

  constructor(connection: ClientConnection, link: RheaLink, queue: Queue) {
    this.session = link.session;
    this.#connection = connection;
    this.#link = link;
    this.#queue = queue;
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
    const { faults, statistics, store } = this.#connection.services;
    const operation = request.operation.startsWith(VENDOR_PREFIX)
      ? request.operation.slice(VENDOR_PREFIX.length)
      : request.operation;
    statistics.managementCalls += 1;
    underFaults(faults, this.#connection, `management:${operation}`, this.#queue.name, {
      run: (answer) => {
        const result = this.#carryOut(operation, request);
        store.after(() => {
          if (answer) this.#answer(request, result);
          else this.#connection.drop();
        });
      },
      refuse: (error) => this.#answer(request, failure(error)),
    });
  }

  #carryOut(operation: string, request: Request): Answer {
    try {
      const carryOut = MANAGEMENT_OPERATIONS.get(operation);
      if (carryOut === undefined) {
        throw new BrokerError(
          "not-implemented",
          `The operation '${request.operation}' is not known.`,
        );
      }
      return carryOut(
        {
          queue: this.#queue,
          owner: this.#connection,
          statistics: this.#connection.services.statistics,
        },
        request.body,
      );
    } catch (error) {
      return failure(error);
    }
  }

  #answer(request: Request, { status, description, condition, body }: Answer): void {
    this.#connection.findReplyLink(request.replyTo, this.session)?.send({
      correlation_id: request.id,
      application_properties: {
        statusCode: amqpTypes.wrap_int(status),
        statusDescription: description ?? "OK",
        ...(condition === undefined ? {} : { errorCondition: condition }),
      },
      body: body ?? null,
    });
  }
}

function failure(error: unknown): Answer {
  const { status, description, condition } = refusalOf(error);
  return { status, description, condition };
}
