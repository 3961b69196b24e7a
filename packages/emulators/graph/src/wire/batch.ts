/** `POST /$batch`: up to 20 requests, each with its own status inside a 200. */
import { setTimeout as sleep } from "node:timers/promises";
import type { FaultPlan } from "@postern/emulator-kit";
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { errorBody, GraphError, malformed } from "./errors/graph-error";
import { type GraphReply, type GraphService, type InnerRequest } from "./routes/graph-service";
import { refusalError } from "./errors/refusal-error";
import { findRoute } from "./routes/router";

const MAX_REQUESTS = 20;

const BatchItem = z.object({
  id: z.union([z.string().min(1).max(200), z.int().transform(String)]),
  method: z.string().transform((method) => method.toUpperCase()),
  url: z.string().min(1).max(20_000),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.unknown().optional(),
  dependsOn: z.array(z.string()).max(MAX_REQUESTS).default([]),
});
type BatchItem = z.infer<typeof BatchItem>;
const Batch = z.object({ requests: z.array(BatchItem).min(1) });

interface ItemReply extends GraphReply {
  readonly id: string;
}

function parseBatch(body: unknown): readonly BatchItem[] {
  const parsed = Batch.safeParse(body);
  if (!parsed.success)
    throw malformed(`Invalid batch payload format: ${z.prettifyError(parsed.error)}`);
  const { requests } = parsed.data;
  if (requests.length > MAX_REQUESTS)
    throw malformed(`Number of batch request steps exceeds the maximum value of ${MAX_REQUESTS}.`);
  const seen = new Set<string>();
  for (const { id, dependsOn } of requests) {
    if (seen.has(id)) throw malformed(`Request Id '${id}' has to be unique in a batch.`);
    const missing = dependsOn.find((other) => !seen.has(other));
    if (missing !== undefined)
      throw malformed(`Request '${id}' depends on '${missing}', which does not come before it.`);
    seen.add(id);
  }
  return requests;
}

function failed(id: string, error: unknown): ItemReply {
  const known = error instanceof GraphError ? error : refusalError({ kind: "failed", error }, 0);
  const requestId = randomUUID();
  return {
    id,
    status: known.status,
    headers: known.headers,
    body: errorBody(known, { requestId, clientRequestId: requestId }),
  };
}

function operationOf(item: BatchItem, path: string): string {
  try {
    return findRoute(item.method, path).route.operation;
  } catch {
    return "unknown";
  }
}

export async function serveBatch(
  service: GraphService,
  faults: FaultPlan,
  body: unknown,
  run: (request: InnerRequest) => GraphReply,
): Promise<GraphReply | "cut"> {
  const replies = new Map<string, ItemReply>();
  let cut = false;

  async function one(item: BatchItem): Promise<ItemReply> {
    if (item.dependsOn.some((id) => (replies.get(id)?.status ?? 500) >= 400)) {
      return failed(
        item.id,
        new GraphError(
          424,
          "BadRequest",
          "Failed Dependency: a request that this one depends on has failed.",
        ),
      );
    }
    const url = item.url.replace(/^\/+/, "");
    const [path = ""] = url.split("?", 1);
    const fault = faults.take(operationOf(item, path), `/v1.0/${path}`);
    service.counters.add("requests");
    if (fault?.kind === "throttle") service.counters.add("throttled");
    if (fault?.kind === "throttle")
      return failed(
        item.id,
        refusalError({ kind: "throttle", retryAfterMs: fault.retryAfterMs }, 0),
      );
    if (fault?.kind === "refuse")
      return failed(item.id, refusalError({ kind: "refuse", status: fault.status }, 0));
    if (fault?.kind === "delay") await sleep(fault.delayMs);
    // Items share one connection: a fault that drops it drops the whole batch.
    cut ||= fault?.kind === "cut" || fault?.kind === "lose-reply";
    const headers = new Map(
      Object.entries(item.headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    try {
      return {
        id: item.id,
        ...run({
          method: item.method,
          url,
          header: (name) => headers.get(name),
          body: () => item.body,
        }),
      };
    } catch (error) {
      return failed(item.id, error);
    }
  }

  for (const item of parseBatch(body)) {
    replies.set(item.id, await one(item));
    if (cut) return "cut";
  }
  return {
    status: 200,
    body: { responses: [...replies.values()].map((reply) => ({ headers: {}, ...reply })) },
  };
}
