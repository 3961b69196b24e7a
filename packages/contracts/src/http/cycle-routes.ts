/** Cycles of a sync definition. */
import { z } from "zod";
import { CycleView } from "../documents/cycle";
import { CycleId, DefinitionId, Timestamp } from "../words/ids";
import { listPage, listQuery, type Route } from "./route";

export const CycleAccepted = z.strictObject({
  cycleId: z.string(),
  definition: DefinitionId,
  startedAt: Timestamp,
});

export const CycleList = listPage(CycleView);

export const cycleRoutes = [
  {
    method: "POST",
    path: "syncs/{id}/cycles",
    operationId: "startCycle",
    summary: "Start a cycle now",
    roles: ["Operator"],
    params: z.strictObject({ id: DefinitionId }),
    responses: {
      202: {
        description: "Accepted",
        schema: CycleAccepted,
        headers: { Location: "Path of the cycle" },
      },
    },
    problems: ["not-found", "conflict"],
  },
  {
    method: "GET",
    path: "syncs/{id}/cycles",
    operationId: "listCycles",
    summary: "List cycles, newest first",
    roles: ["Reader", "Operator"],
    params: z.strictObject({ id: DefinitionId }),
    query: listQuery,
    responses: { 200: { description: "A page of cycles", schema: CycleList } },
    problems: ["not-found"],
  },
  {
    method: "GET",
    path: "syncs/{id}/cycles/{cycleId}",
    operationId: "getCycle",
    summary: "Show a cycle and its counts",
    roles: ["Reader", "Operator"],
    params: z.strictObject({ id: DefinitionId, cycleId: CycleId }),
    responses: { 200: { description: "The cycle", schema: CycleView } },
    problems: ["not-found"],
  },
] as const satisfies readonly Route[];
