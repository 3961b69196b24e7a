/** Sync definitions and where each stands. */
import { z } from "zod";
import { CycleView } from "../documents/cycle";
import { SyncDefinition } from "../sync-definition";
import { DefinitionId } from "../words/ids";
import { EntityTag, listPage, listQuery, type Route } from "./route";

export const SyncView = z.strictObject({
  definition: SyncDefinition,
  etag: z.string(),
  /** The cycle that began last. */
  lastCycle: CycleView.nullable(),
  /** True when every stream stands at a delta link and every item has an outcome. */
  inStep: z.boolean(),
  heldItems: z.int().min(0),
});
export type SyncView = z.infer<typeof SyncView>;
export const SyncList = listPage(SyncView);

const etagHeader = { ETag: "Version of the definition, for If-Match" };

export const syncRoutes = [
  {
    method: "GET",
    path: "syncs",
    operationId: "listSyncs",
    summary: "List sync definitions",
    roles: ["Reader", "Operator"],
    query: listQuery,
    responses: { 200: { description: "A page of sync definitions", schema: SyncList } },
  },
  {
    method: "GET",
    path: "syncs/{id}",
    operationId: "getSync",
    summary: "Show a sync definition and its state",
    roles: ["Reader", "Operator"],
    params: z.strictObject({ id: DefinitionId }),
    responses: {
      200: { description: "The sync definition", schema: SyncView, headers: etagHeader },
    },
    problems: ["not-found"],
  },
  {
    method: "PUT",
    path: "syncs/{id}",
    operationId: "putSync",
    summary: "Create or replace a sync definition",
    roles: ["TargetAdmin"],
    params: z.strictObject({ id: DefinitionId }),
    headers: z.strictObject({ "if-match": EntityTag.optional() }),
    body: SyncDefinition,
    bodyTypes: ["application/json", "application/yaml"],
    maxBodyBytes: 512 * 1024,
    responses: {
      200: { description: "Replaced", schema: SyncView, headers: etagHeader },
      201: { description: "Created", schema: SyncView, headers: etagHeader },
    },
    problems: ["definition-invalid", "expression-invalid", "precondition-failed"],
  },
] as const satisfies readonly Route[];
