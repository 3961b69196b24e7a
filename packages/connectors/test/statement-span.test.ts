import { afterEach, expect, test } from "@jest/globals";
import {
  type Attributes,
  type Span,
  SpanStatusCode,
  trace,
  type TracerProvider,
} from "@opentelemetry/api";
import { person } from "../src/conformance";
import { sqliteHarness } from "./sqlite-harness";

interface Recorded {
  readonly name: string;
  readonly attributes: Attributes;
  ended: boolean;
  failed: boolean;
}

/** Records spans in memory. The rest of the interface is the API's own no-op span. */
function recordingProvider(recorded: Recorded[]): TracerProvider {
  const begin = (name: string, attributes: Attributes = {}): Span => {
    const entry: Recorded = { name, attributes: { ...attributes }, ended: false, failed: false };
    recorded.push(entry);
    const span = trace.wrapSpanContext({
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      traceFlags: 1,
    });
    span.isRecording = () => true;
    span.setAttribute = (key, value) => {
      entry.attributes[key] = value;
      return span;
    };
    span.setStatus = (status) => {
      entry.failed = status.code === SpanStatusCode.ERROR;
      return span;
    };
    span.end = () => {
      entry.ended = true;
    };
    return span;
  };
  const tracer = {
    startSpan: (name: string, options?: { attributes?: Attributes }) =>
      begin(name, options?.attributes),
    startActiveSpan: (name: string, ...rest: unknown[]) => {
      const options = rest.find(
        (each): each is { attributes?: Attributes } => typeof each === "object",
      );
      const work = rest.find((each): each is (span: Span) => never => typeof each === "function");
      if (!work) throw new TypeError("no work");
      return work(begin(name, options?.attributes));
    },
  };
  return { getTracer: () => tracer };
}

afterEach(() => trace.disable());

test("each group of statements is a span with the statement and without values", async () => {
  const recorded: Recorded[] = [];
  trace.setGlobalTracerProvider(recordingProvider(recorded));
  const harness = sqliteHarness();
  const target = harness.open();
  const { signal } = new AbortController();
  await target.apply([person("secret-name", 1), person("other", 1)], { signal });
  await target.apply([person("bad", 1, { age: -1 })], { signal });
  await target.close();
  await harness.close();
  const [inbox, upsert] = recorded;
  expect(inbox).toMatchObject({ name: "sql inbox postern_inbox", ended: true });
  expect(upsert).toMatchObject({
    name: "sql upsert people",
    ended: true,
    failed: false,
    attributes: { "db.system": "sqlite", "postern.items": 2, "postern.target": "hr-db" },
  });
  expect(upsert?.attributes["db.statement"]).toMatch(/^insert into "people" .*\?.*on conflict/);
  expect(JSON.stringify(recorded)).not.toContain("secret-name");
  expect(recorded.some((span) => span.failed)).toBe(true);
  expect(recorded.every((span) => span.ended)).toBe(true);
});
