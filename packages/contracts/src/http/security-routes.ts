/** What did not prove itself. */
import { SecurityEventKind, SecurityEventView } from "../documents/security-event";
import { GroupName } from "../words/ids";
import { listPage, listQuery, type Route } from "./route";

export const SecurityEventList = listPage(SecurityEventView);

export const securityRoutes = [
  {
    method: "GET",
    path: "security-events",
    operationId: "listSecurityEvents",
    summary:
      "List results and messages that did not prove to be about work of their sender, newest first",
    roles: ["Reader", "Operator"],
    query: listQuery.extend({
      group: GroupName.optional(),
      kind: SecurityEventKind.optional(),
    }),
    responses: { 200: { description: "A page of security events", schema: SecurityEventList } },
  },
] as const satisfies readonly Route[];
