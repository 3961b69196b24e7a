import type { DeadLetterPorts } from "../dead-letters/dead-letter-ports";
import type { Platform } from "../app/platform";
import { createAuditTrail } from "../audit/audit-store";
import { createDeadLetterStore } from "../dead-letters/dead-letter-store";

/** The ports of dead letters, wired to the platform. */
export function deadLetterPorts(platform: Platform): DeadLetterPorts {
  const { database } = platform;
  return {
    ...platform,
    letters: createDeadLetterStore(database),
    audit: createAuditTrail(database),
  };
}
