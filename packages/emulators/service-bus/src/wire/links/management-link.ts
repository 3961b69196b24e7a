/** A link on which a client sends management requests for a queue. */
import { BrokerError } from "../../engine/model/broker-error";
import type { Queue } from "../../engine/queue/queue";
import type { ClientConnection } from "../connection/client-connection";
import { refusalOf } from "../connection/conditions";
import { underFaults } from "../connection/faults";
import { amqpTypes, type RheaLink } from "../rhea/rhea";
import { openRequestLink } from "./incoming-link";
import { MANAGEMENT_OPERATIONS, type ManagementResult, type Caller } from "./management-operations";
import type { Request } from "./request";

const VENDOR_PREFIX = "com.microsoft:";

export function openManagementLink(
  connection: ClientConnection,
  link: RheaLink,
  queue: Queue,
): void {
  const { faults, statistics, store } = connection.services;
  const caller: Caller = { queue, owner: connection, statistics };
  openRequestLink(connection, link, (request, reply) => {
    const operation = request.operation.startsWith(VENDOR_PREFIX)
      ? request.operation.slice(VENDOR_PREFIX.length)
      : request.operation;
    statistics.managementCalls += 1;
    underFaults(faults, connection, `management:${operation}`, queue.name, {
      run: (replies) => {
        const result = carryOut(caller, operation, request);
        store.after(() => {
          if (replies) reply(messageOf(request, result));
          else connection.drop();
        });
      },
      refuse: (error) => reply(messageOf(request, failure(error))),
    });
  });
}

function carryOut(caller: Caller, name: string, request: Request): ManagementResult {
  try {
    const operation = MANAGEMENT_OPERATIONS.get(name);
    if (operation === undefined) {
      throw new BrokerError(
        "not-implemented",
        `The operation '${request.operation}' is not known.`,
      );
    }
    return operation(caller, request.body);
  } catch (error) {
    return failure(error);
  }
}

function failure(error: unknown): ManagementResult {
  const { status, description, condition } = refusalOf(error);
  return { status, description, condition };
}

function messageOf(
  request: Request,
  { status, description, condition, body }: ManagementResult,
): object {
  return {
    correlation_id: request.id,
    application_properties: {
      statusCode: amqpTypes.wrap_int(status),
      statusDescription: description ?? "OK",
      ...(condition === undefined ? {} : { errorCondition: condition }),
    },
    body: body ?? null,
  };
}
