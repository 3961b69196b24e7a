/** Items that the delete breaker holds, and their release. */
import { z } from "zod";
import { HoldId } from "../documents/hold";
import { EntityType } from "../words/entity";
import { DefinitionId, Timestamp } from "../words/ids";
import { listPage, listQuery, type Route } from "./route";

export const HoldView = z.strictObject({
  id: z.string(),
  definition: DefinitionId,
  entityType: EntityType,
  entityId: z.string(),
  version: z.int(),
  cause: z.string(),
  reason: z.string(),
  heldAt: Timestamp,
});
export const HoldList = listPage(HoldView);
export const ReleaseRequest = z.strictObject({
  /** Ids of holds; all of the definition when absent. */
  holds: z.array(HoldId).min(1).max(1_000).optional(),
  reason: z.string().trim().min(1, { error: "say why: it is kept in the audit trail" }).max(500),
});
export const ReleaseReply = z.strictObject({ released: z.int().min(0) });

export const holdRoutes = [
  {
    method: "GET",
    path: "syncs/{id}/holds",
    operationId: "listHolds",
    summary: "List items held by the delete breaker",
    roles: ["Reader", "Operator", "Approver"],
    params: z.strictObject({ id: DefinitionId }),
    query: listQuery,
    responses: { 200: { description: "A page of holds", schema: HoldList } },
    problems: ["not-found"],
  },
  {
    method: "POST",
    path: "syncs/{id}/holds/release",
    operationId: "releaseHolds",
    summary: "Release held items",
    roles: ["Approver"],
    params: z.strictObject({ id: DefinitionId }),
    body: ReleaseRequest,
    maxBodyBytes: 512 * 1024,
    responses: { 200: { description: "Released", schema: ReleaseReply } },
    problems: ["not-found"],
  },
] as const satisfies readonly Route[];
