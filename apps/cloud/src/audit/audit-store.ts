import type { Database } from "@azure/cosmos";
import { containers } from "@postern/contracts";
import { z } from "zod";
import type { AuditTrail } from "./audit-trail";
import { documentContainer } from "../azure/document-container";

const StoredEntry = z.object({ id: z.string() });

/** Appends to container `audit`. Nothing here changes or removes an entry. */
export function createAuditTrail(database: Database): AuditTrail {
  const entries = documentContainer(database.container(containers.audit), StoredEntry);
  return {
    add: async (entry) => {
      await entries.create(entry);
    },
  };
}
