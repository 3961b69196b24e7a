import type { Health } from "@postern/contracts";
import type { z } from "zod";
import type { ServiceProbe } from "./service-probes";
import type { Handlers } from "../http/endpoint";
import { type Logger, TimeLimitExceeded, type WallClock, withinTimeLimit } from "@postern/runtime";

type HealthReport = z.infer<typeof Health>;

const TIME_LIMIT_MS = 3_000;
/** The route is anonymous: however often it is called, the services are probed no more often than this. */
const CACHE_MS = 2_000;

interface HealthPorts {
  readonly clock: WallClock;
  readonly logger: Logger;
  readonly probes: readonly ServiceProbe[];
  readonly settings: { readonly version: string };
}

export function healthHandlers(ports: HealthPorts): Pick<Handlers, "getHealth"> {
  let latest:
    { readonly atMs: number; readonly checks: Promise<HealthReport["checks"]> } | undefined;
  return {
    getHealth: async () => {
      const now = ports.clock.now();
      if (latest === undefined || now - latest.atMs > CACHE_MS) {
        latest = {
          atMs: now,
          checks: Promise.all(ports.probes.map((probe) => run(ports, probe))),
        };
      }
      const checks = await latest.checks;
      const healthy = checks.every(({ ok }) => ok);
      const body: HealthReport = {
        status: healthy ? "ok" : "degraded",
        version: ports.settings.version,
        checks,
      };
      return { status: healthy ? 200 : 503, body };
    },
  };
}

async function run(
  { clock, logger }: HealthPorts,
  { name, check }: ServiceProbe,
): Promise<HealthReport["checks"][number]> {
  const startedMs = clock.now();
  try {
    await withinTimeLimit(check(), TIME_LIMIT_MS);
    return { name, ok: true, durationMs: clock.now() - startedMs };
  } catch (error) {
    const late = error instanceof TimeLimitExceeded;
    // Anyone may call this route, so the details go to the log only.
    logger.warn("health-probe.failed", { name, error: String(error) });
    return {
      name,
      ok: false,
      detail: late ? `no response within ${TIME_LIMIT_MS} ms` : "responds with an error",
      durationMs: clock.now() - startedMs,
    };
  }
}
