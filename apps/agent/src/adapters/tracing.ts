import { context, type Context, propagation, trace } from "@opentelemetry/api";
import type { SpanHandle, Tracing } from "../ports/agent-ports";

const quiet: SpanHandle = { traceparent: undefined, set: () => undefined };

/** Nothing is traced, nothing is loaded. */
export const noTracing: Tracing = { span: (_name, _parents, work) => work(quiet) };

export interface RunningTracing extends Tracing {
  readonly close: () => Promise<void>;
}

/** Spans over OTLP/HTTP. The SDK is loaded here and nowhere else: an agent that exports nothing does not pay for it. */
export async function startTracing(
  otlpEndpoint: string,
  attributes: Readonly<Record<string, string>>,
): Promise<RunningTracing> {
  const [
    { AlwaysOnSampler, BatchSpanProcessor, TracerProvider },
    { OTLPTraceExporter },
    { resourceFromAttributes },
    hooks,
    core,
  ] = await Promise.all([
    import("@opentelemetry/sdk-trace"),
    import("@opentelemetry/exporter-trace-otlp-http"),
    import("@opentelemetry/resources"),
    import("@opentelemetry/context-async-hooks"),
    import("@opentelemetry/core"),
  ]);
  const url = `${otlpEndpoint.replace(/\/+$/, "")}/v1/traces`;
  const provider = new TracerProvider({
    // Few spans (one a unit or group of statements): all are kept, whatever the sender's trace was marked as.
    sampler: new AlwaysOnSampler(),
    resource: resourceFromAttributes({ "service.name": "postern-agent", ...attributes }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url }),
        scheduledDelayMillis: 1_000,
      }),
    ],
  });
  context.setGlobalContextManager(new hooks.AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new core.W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  const tracer = trace.getTracer("postern-agent");
  return {
    span: (name, parents, work) => {
      const contexts = [...new Set(parents)]
        .filter((parent) => parent !== undefined)
        .map(contextOf);
      const [parent, ...others] = contexts;
      const links = others
        .flatMap((other) => trace.getSpanContext(other) ?? [])
        .map((spanContext) => ({ context: spanContext }));
      return tracer.startActiveSpan(name, { links }, parent ?? context.active(), async (span) => {
        const { traceId, spanId, traceFlags } = span.spanContext();
        const flags = traceFlags.toString(16).padStart(2, "0");
        try {
          return await work({
            traceparent: `00-${traceId}-${spanId}-${flags}`,
            set: (values) => {
              span.setAttributes(values);
            },
          });
        } finally {
          span.end();
        }
      });
    },
    close: () => provider.shutdown(),
  };
}

function contextOf(traceparent: string): Context {
  return propagation.extract(context.active(), { traceparent });
}
