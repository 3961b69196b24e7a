import type { Health } from "@postern/contracts";
import type { z } from "zod";
import type { View } from "../terminal";
import { toneOf } from "./colour";
import { facts, table } from "./table";
import { duration } from "./time";

export function healthText(health: z.infer<typeof Health>, url: string, view: View): string {
  const head = facts(
    [
      ["address", url],
      ["status", health.status, toneOf(health.status)],
      ["version", health.version],
    ],
    view,
  );
  const checks = table(
    [
      { title: "SERVICE", value: ({ name }) => name },
      {
        title: "STATUS",
        value: ({ ok }) => (ok ? "ok" : "failed"),
        tone: ({ ok }) => (ok ? "good" : "bad"),
      },
      { title: "TOOK", value: ({ durationMs }) => duration(durationMs), align: "right" },
      { title: "DETAIL", value: ({ detail }) => detail ?? "", least: 16 },
    ],
    health.checks,
    view,
  );
  return `${head}\n${checks}`;
}
