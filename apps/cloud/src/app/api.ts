import { agentHandlers } from "../agents/http";
import { deadLetterHandlers } from "../dead-letters/http";
import { healthHandlers } from "../health/http";
import { jobHandlers } from "../jobs/http";
import { openApiHandlers } from "../http/openapi/http";
import { parkedHandlers } from "../parked/http";
import { securityHandlers } from "../security/http";
import { holdHandlers } from "../sync/holds/http";
import { syncHandlers } from "../sync/definitions/http";
import type { Platform } from "./platform";
import { accessTokenVerifier } from "../http/access-token";
import { type Endpoint, endpoints } from "../http/endpoint";
import { issuerKeys } from "../azure/issuer-keys";
import { requestReporter } from "../audit/request-report";

/** The HTTP API over a platform: an endpoint for each route. */
export function createApi(platform: Platform): Endpoint[] {
  const { settings, clock, forJobs, forAgents } = platform;
  const now = (): number => clock.now();
  const { issuer, audience } = settings.auth;
  return endpoints(
    {
      ...jobHandlers(forJobs),
      ...agentHandlers(forAgents),
      ...syncHandlers(platform),
      ...deadLetterHandlers(platform),
      ...parkedHandlers(platform),
      ...securityHandlers(platform),
      ...holdHandlers(platform),
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
      report: requestReporter(platform, platform.audit),
    },
  );
}
