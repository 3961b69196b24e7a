/** Dead letters: list, replay, discard. */
import { z } from "zod";
import {
  DeadLetterBatchReply,
  DeadLetterBatchRequest,
  DeadLetterId,
  DeadLetterRequest,
  DeadLetterResult,
  DeadLetterState,
  DeadLetterView,
} from "../documents/dead-letter";
import { EntityTag, listPage, listQuery, type Route } from "./route";

export const DeadLetterList = listPage(DeadLetterView);

export const deadLetterRoutes = [
  {
    method: "GET",
    path: "deadletters",
    operationId: "listDeadLetters",
    summary: "List dead letters, newest first",
    roles: ["Reader", "Operator"],
    query: listQuery.extend({
      state: DeadLetterState.optional(),
      group: z.string().max(40).optional(),
      code: z.string().max(60).optional(),
      definition: z.string().max(40).optional(),
      target: z.string().max(40).optional(),
    }),
    responses: { 200: { description: "A page of dead letters", schema: DeadLetterList } },
  },
  {
    method: "GET",
    path: "deadletters/{id}",
    operationId: "getDeadLetter",
    summary: "Show a dead letter; only operators may see its full payload",
    roles: ["Reader", "Operator"],
    params: z.strictObject({ id: DeadLetterId }),
    query: z.strictObject({ payload: z.enum(["redacted", "full"]).default("redacted") }),
    responses: {
      200: {
        description: "The dead letter",
        schema: DeadLetterView,
        headers: { ETag: "Version of the dead letter, for If-Match" },
      },
    },
    problems: ["not-found"],
  },
  {
    method: "POST",
    path: "deadletters/{id}/replay",
    operationId: "replayDeadLetter",
    summary: "Send a dead-lettered item again",
    roles: ["Operator"],
    params: z.strictObject({ id: DeadLetterId }),
    headers: z.strictObject({ "if-match": EntityTag.optional() }),
    body: DeadLetterRequest,
    responses: {
      200: { description: "Replayed, or superseded by something newer", schema: DeadLetterResult },
    },
    problems: ["not-found", "replay-refused", "precondition-failed"],
  },
  {
    method: "POST",
    path: "deadletters/replay",
    operationId: "replayDeadLetters",
    summary: "Send many dead-lettered items again, 50 per second",
    roles: ["Operator"],
    body: DeadLetterBatchRequest,
    maxBodyBytes: 512 * 1024,
    responses: {
      200: { description: "The result for each dead letter", schema: DeadLetterBatchReply },
    },
  },
  {
    method: "POST",
    path: "deadletters/{id}/discard",
    operationId: "discardDeadLetter",
    summary: "Close a dead letter without sending it again",
    roles: ["Operator"],
    params: z.strictObject({ id: DeadLetterId }),
    headers: z.strictObject({ "if-match": EntityTag.optional() }),
    body: DeadLetterRequest,
    responses: { 200: { description: "Discarded", schema: DeadLetterResult } },
    problems: ["not-found", "conflict", "precondition-failed"],
  },
  {
    method: "POST",
    path: "deadletters/discard",
    operationId: "discardDeadLetters",
    summary: "Close many dead letters without sending them again",
    roles: ["Operator"],
    body: DeadLetterBatchRequest,
    maxBodyBytes: 512 * 1024,
    responses: {
      200: { description: "The result for each dead letter", schema: DeadLetterBatchReply },
    },
  },
] as const satisfies readonly Route[];
