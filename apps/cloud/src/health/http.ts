import type { Health } from "@postern/contracts";
import type { z } from "zod";
import { serviceProbes, type ServiceProbe } from "./service-probes";
import type { Handlers } from "../http/endpoint";
import type { Platform } from "../app/platform";
import { TimeLimitExceeded, withinTimeLimit } from "../adapters/time-limit";

type HealthReport = z.infer<typeof Health>;

const TIME_LIMIT_MS = 3_000;
/** The route is anonymous: however often it is asked, the services are not asked more often than this. */
const CACHE_MS = 2_000;

export function healthHandlers(platform: Platform): Pick<Handlers, "getHealth"> {
  const probes = serviceProbes(platform);
  let latest:
    { readonly atMs: number; readonly checks: Promise<HealthReport["checks"]> } | undefined;
  return {
    getHealth: async () => {
      const now = platform.clock.now();
      if (latest === undefined || now - latest.atMs > CACHE_MS) {
        latest = {
          atMs: now,
          checks: Promise.all(probes.map((probe) => run(platform, probe))),
        };
      }
      const checks = await latest.checks;
      const healthy = checks.every(({ ok }) => ok);
      const body: HealthReport = {
        status: healthy ? "ok" : "degraded",
        version: platform.settings.version,
        checks,
      };
      return { status: healthy ? 200 : 503, body };
    },
  };
}

async function run(
  { clock, logger }: Platform,
  { name, check }: ServiceProbe,
): Promise<HealthReport["checks"][number]> {
  const startedMs = clock.now();
  try {
    await withinTimeLimit(check(), TIME_LIMIT_MS);
    return { name, ok: true, durationMs: clock.now() - startedMs };
  } catch (error) {
    const late = error instanceof TimeLimitExceeded;
    // Anyone may ask: what exactly went wrong is for the log.
    logger.warn("health probe failed", { name, error: String(error) });
    return {
      name,
      ok: false,
      detail: late ? `no answer within ${TIME_LIMIT_MS} ms` : "answers with an error",
      durationMs: clock.now() - startedMs,
    };
  }
}
