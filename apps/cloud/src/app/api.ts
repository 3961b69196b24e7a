import { createAuditTrail } from "../audit/audit-store";
import { deadLetterPorts } from "../adapters/dead-letter-ports";
import { jobPorts } from "../adapters/job-ports";
import { agentHandlers } from "../agents/http";
import { deadLetterHandlers } from "../dead-letters/http";
import { healthHandlers } from "../health/http";
import { jobHandlers } from "../jobs/http";
import { openApiHandlers } from "../http/openapi/http";
import { parkedHandlers } from "../parked/http";
import { syncHandlers } from "../sync/definitions/http";
import type { Platform } from "./platform";
import { accessTokenVerifier } from "../http/access-token";
import { type Endpoint, endpoints } from "../http/endpoint";
import { issuerKeys } from "../http/issuer-keys";
import { requestReporter } from "../http/request-report";

/** The HTTP API over a platform: an endpoint for each route. */
export function createApi(platform: Platform): Endpoint[] {
  const { settings, clock, database } = platform;
  const now = (): number => clock.now();
  const jobs = jobPorts(platform);
  const audit = createAuditTrail(database);
  const { issuer, audience } = settings.auth;
  return endpoints(
    {
      ...jobHandlers({ ...jobs, definitions: platform.definitions }),
      ...agentHandlers(jobs),
      ...syncHandlers({ ...platform, audit }),
      ...deadLetterHandlers(deadLetterPorts(platform)),
      ...parkedHandlers({ ...platform, audit }),
      ...healthHandlers(platform),
      ...openApiHandlers(settings),
    },
    {
      callerOf: accessTokenVerifier({
        issuer,
        audience,
        tenantId: settings.tenant,
        keys: issuerKeys({ issuer, now }),
        now,
      }),
      now,
      report: requestReporter(platform, audit),
    },
  );
}
