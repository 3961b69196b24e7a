import type * as api from "@opentelemetry/api";
import type { Span, SpanOptions as OtelSpanOptions, Tracer } from "@opentelemetry/api";
import type { SpanHandle, SpanOptions, Tracing } from "./ports/cloud-ports";
import type { Settings } from "./settings";

/**
 * Tracing by OpenTelemetry, out over OTLP where an endpoint is set. Without one nothing is loaded and nothing recorded.
 * The libraries are loaded when the first span begins; that span waits for them.
 */
export interface Telemetry {
  readonly tracing: Tracing;
  close(): Promise<void>;
}

type Api = typeof api;

interface Recorder {
  readonly api: Api;
  readonly tracer: Tracer;
  flush(): Promise<void>;
}

const silent: SpanHandle = { set: () => undefined };

export function createTelemetry(
  settings: Pick<Settings, "telemetry" | "version" | "branch">,
): Telemetry {
  const { otlpEndpoint } = settings.telemetry;
  if (otlpEndpoint === null) {
    return {
      tracing: {
        span: (_name, _options, work) => work(silent),
        traceparent: () => undefined,
      },
      close: async () => undefined,
    };
  }
  let recorder: Recorder | undefined;
  let starting: Promise<Recorder> | undefined;
  const started = async (): Promise<Recorder> => {
    starting ??= startRecorder(otlpEndpoint, settings);
    recorder = await starting;
    return recorder;
  };
  return {
    tracing: {
      span: async (name, options, work) => {
        const { api, tracer } = recorder ?? (await started());
        const parent =
          options.parent === undefined
            ? api.context.active()
            : (remoteContext(api, options.parent) ?? api.context.active());
        return tracer.startActiveSpan(name, spanOptions(api, options), parent, (span) =>
          record(api, span, work),
        );
      },
      traceparent: () => {
        const span = recorder?.api.trace.getActiveSpan()?.spanContext();
        if (span === undefined) return undefined;
        return `00-${span.traceId}-${span.spanId}-0${(span.traceFlags & 1).toString()}`;
      },
    },
    close: async () => {
      await recorder?.flush();
    },
  };
}

async function record<T>(
  api: Api,
  span: Span,
  work: (handle: SpanHandle) => Promise<T>,
): Promise<T> {
  try {
    return await work({ set: (key, value) => void span.setAttribute(key, value) });
  } catch (error) {
    span.setStatus({ code: api.SpanStatusCode.ERROR });
    if (error instanceof Error) span.recordException(error);
    throw error;
  } finally {
    span.end();
  }
}

function spanOptions(api: Api, options: SpanOptions): OtelSpanOptions {
  const kinds = {
    internal: api.SpanKind.INTERNAL,
    client: api.SpanKind.CLIENT,
    producer: api.SpanKind.PRODUCER,
    consumer: api.SpanKind.CONSUMER,
  };
  const links = (options.links ?? []).flatMap((link) => {
    const context = parseTraceparent(link);
    return context === undefined ? [] : [{ context }];
  });
  return {
    kind: kinds[options.kind ?? "internal"],
    ...(options.fields === undefined ? {} : { attributes: { ...options.fields } }),
    ...(links.length === 0 ? {} : { links }),
  };
}

function remoteContext(api: Api, traceparent: string) {
  const context = parseTraceparent(traceparent);
  return context === undefined
    ? undefined
    : api.trace.setSpanContext(api.ROOT_CONTEXT, { ...context, isRemote: true });
}

function parseTraceparent(text: string) {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text);
  const [, traceId, spanId, flags] = match ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1 };
}

async function startRecorder(
  endpoint: string,
  settings: Pick<Settings, "version" | "branch">,
): Promise<Recorder> {
  const [api, { AsyncLocalStorageContextManager }, sdk, { OTLPTraceExporter }, resources] =
    await Promise.all([
      import("@opentelemetry/api"),
      import("@opentelemetry/context-async-hooks"),
      import("@opentelemetry/sdk-trace"),
      import("@opentelemetry/exporter-trace-otlp-http"),
      import("@opentelemetry/resources"),
    ]);
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const provider = new sdk.TracerProvider({
    // The host hands every invocation a context marked as not sampled when nobody outside traces. There are few spans (one
    // a page, unit or group of statements), so all are kept, and a trace never has holes.
    sampler: new sdk.AlwaysOnSampler(),
    resource: resources.resourceFromAttributes({
      "service.name": "postern-cloud",
      "service.version": settings.version,
      "postern.branch": settings.branch,
    }),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, "")}/v1/traces` }),
        scheduledDelayMillis: 1_000,
      }),
    ],
  });
  return {
    api,
    tracer: provider.getTracer("postern-cloud"),
    flush: () => provider.shutdown(),
  };
}
