/** Messages that wait for an agent that can read them. */
import { z } from "zod";
import { ParkedId, ParkedState, ParkedView } from "../messages/parked-message";
import { listPage, listQuery, type Route } from "./route";

export const ParkedList = listPage(ParkedView);

export const parkedRoutes = [
  {
    method: "GET",
    path: "parked",
    operationId: "listParked",
    summary: "List messages that wait for an agent that reads them, ordered by id",
    roles: ["Reader", "Operator"],
    query: listQuery.extend({
      state: ParkedState.optional(),
      group: z.string().max(40).optional(),
      target: z.string().max(40).optional(),
    }),
    responses: { 200: { description: "A page of parked messages", schema: ParkedList } },
  },
  {
    method: "GET",
    path: "parked/{id}",
    operationId: "getParked",
    summary: "Show a parked message; only operators may see its full payload",
    roles: ["Reader", "Operator"],
    params: z.strictObject({ id: ParkedId }),
    query: z.strictObject({ payload: z.enum(["redacted", "full"]).default("redacted") }),
    responses: { 200: { description: "The parked message", schema: ParkedView } },
    problems: ["not-found"],
  },
] as const satisfies readonly Route[];
