import { z } from "zod";
import { decodeMessage } from "../rhea/rhea";

const Request = z.object({
  message_id: z.unknown(),
  reply_to: z.string().optional(),
  application_properties: z.record(z.string(), z.unknown()).default({}),
  body: z.unknown(),
});

/** A request to $cbs or $management. */
export interface Request {
  readonly id: unknown;
  readonly replyTo: string | undefined;
  readonly operation: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

export function readRequest(bytes: Buffer): Request {
  const request = Request.parse({ ...(decodeMessage(bytes) as object) });
  const operation = request.application_properties["operation"];
  return {
    id: request.message_id,
    replyTo: request.reply_to,
    operation: typeof operation === "string" ? operation : "",
    properties: request.application_properties,
    body: request.body,
  };
}
