import {
  type BranchId,
  clip,
  eventAttribute,
  type GroupName,
  laneOf,
  parseEventType,
  PosternError,
  readMessage,
  type TargetName,
  type TenantId,
  WORK_MESSAGE_TYPE,
  WorkMessage,
} from "@postern/contracts";
import type { DeadLetterReason, Delivery } from "../ports/broker";

/** Where an incoming message must be addressed to. */
export interface WorkAddress {
  readonly tenant: TenantId;
  readonly branch: BranchId;
  readonly group: GroupName;
  readonly target: TargetName;
  /** Session that delivered the message. */
  readonly sessionId: string;
}

/** The work messages that an agent reads: for each type, the conversion of its body to the current `WorkMessage`. */
export type WorkTypes = ReadonlyMap<string, (body: unknown) => unknown>;

export const workTypes: WorkTypes = new Map([[WORK_MESSAGE_TYPE, (body: unknown) => body]]);

export type WorkReading =
  | { readonly kind: "work"; readonly message: WorkMessage }
  /** Its major version is unknown to this agent; another agent may read it. */
  | { readonly kind: "unknown-major"; readonly type: string; readonly reason: string }
  | { readonly kind: "unreadable"; readonly reason: DeadLetterReason };

/** The SDK rejects dead-letter reasons over 4,096 characters; the rest is room for what the broker adds. */
const REASON_CHARS = 4_000;

/**
 * Reads a delivered work message as untrusted input: first its shape, then whether it belongs to this queue and
 * session.
 */
export function readWork(
  delivery: Delivery,
  address: WorkAddress,
  types: WorkTypes = workTypes,
): WorkReading {
  const type = eventAttribute(delivery.properties, "type") ?? "";
  const upgrade = types.get(type);
  if (upgrade === undefined && isWork(type)) {
    const reason =
      `this agent reads ${[...types.keys()].join(", ")}. Update an agent of the group to a version that reads ${type}: ` +
      "the message is sent again when it registers.";
    return { kind: "unknown-major", type, reason };
  }
  let message: WorkMessage;
  try {
    message = readMessage(
      { schema: WorkMessage, type: upgrade === undefined ? WORK_MESSAGE_TYPE : type },
      delivery.properties,
      upgrade === undefined ? delivery.body : upgrade(delivery.body),
    );
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    return unreadable(
      error.code,
      `${error.message}\nThe sender must be fixed; replay the dead letter afterwards.`,
    );
  }
  const misdirected = wrongAddress(message, address);
  if (misdirected === undefined) return { kind: "work", message };
  return unreadable(
    "message-wrong-address",
    `${misdirected}\nNothing of the message was applied; send it to the queue and session that it names.`,
  );
}

function isWork(type: string): boolean {
  const family = parseEventType(type)?.family;
  return family !== undefined && family === parseEventType(WORK_MESSAGE_TYPE)?.family;
}

function unreadable(code: string, text: string): WorkReading {
  return { kind: "unreadable", reason: { code, text: clip(text, REASON_CHARS) } };
}

function wrongAddress(message: WorkMessage, address: WorkAddress): string | undefined {
  const wrong =
    otherThan("tenant", message.tenant, address.tenant) ??
    otherThan("branch", message.branch, address.branch) ??
    otherThan("group", message.group, address.group) ??
    otherThan("target", message.target, address.target) ??
    otherThan("lane", message.lane, address.sessionId);
  if (wrong !== undefined) return wrong;
  for (const [index, item] of message.items.entries()) {
    const lane = laneOf(message.definition, item.entity);
    if (lane !== message.lane) {
      return `$.items[${index}].entity: belongs in lane '${lane}', but the message is in '${message.lane}'`;
    }
  }
  return undefined;
}

function otherThan(field: string, found: string, wanted: string): string | undefined {
  if (found === wanted) return undefined;
  return `$.${field}: the message says '${found}', but it arrived in '${wanted}'`;
}
