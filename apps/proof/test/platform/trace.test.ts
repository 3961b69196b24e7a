import { expect, test } from "@jest/globals";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { eventually, runOnce } from "../scenes/platform-run";

interface ReceivedSpan {
  readonly service: string;
  readonly traceId: string;
  readonly name: string;
}

interface OtlpBody {
  readonly resourceSpans?: {
    resource?: { attributes?: { key: string; value: { stringValue?: string } }[] };
    scopeSpans?: { spans?: { traceId: string; name: string }[] }[];
  }[];
}

function spansOf(body: OtlpBody): ReceivedSpan[] {
  return (body.resourceSpans ?? []).flatMap(({ resource, scopeSpans }) => {
    const service =
      resource?.attributes?.find(({ key }) => key === "service.name")?.value.stringValue ?? "";
    return (scopeSpans ?? []).flatMap(({ spans }) =>
      (spans ?? []).map(({ traceId, name }) => ({ service, traceId, name })),
    );
  });
}

test("one trace id leads from the Graph page to the SQL statement, across processes", async () => {
  const received: ReceivedSpan[] = [];
  const collector = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    request.on("end", () => {
      received.push(...spansOf(JSON.parse(text) as OtlpBody));
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  const { port } = collector.address() as AddressInfo;
  try {
    const summary = await runOnce(["--people", "30"], {
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
    });
    expect(summary.code).toBe(0);
    const trace = await eventually("a trace through both processes", () => {
      const graphPages = received.filter(({ name }) => name.startsWith("graph page"));
      return graphPages
        .map(({ traceId }) => received.filter((span) => span.traceId === traceId))
        .find((spans) => spans.some(({ name }) => name.startsWith("sql ")));
    });
    const services = new Set(trace.map(({ service }) => service));
    expect([...services].sort()).toEqual(["postern-agent", "postern-cloud"]);
  } finally {
    collector.close();
    collector.closeAllConnections();
  }
});
