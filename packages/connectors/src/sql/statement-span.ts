import { type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";

const tracer = trace.getTracer("@postern/connectors");
/** A statement of many rows repeats itself: its beginning tells enough. */
const STATEMENT_CHARS = 2_000;

export interface StatementFacts {
  /** `upsert`, `delete`, `inbox`. */
  readonly verb: string;
  readonly table: string;
  readonly system: "sqlite" | "postgresql";
  readonly target: string;
  readonly items: number;
}

/** One client span per group of statements. It carries statement text, never a parameter. */
export async function statementSpan<Result>(
  facts: StatementFacts,
  work: (noteStatement: (text: string) => void) => Promise<Result>,
): Promise<Result> {
  const attributes = {
    "db.system": facts.system,
    "db.operation": facts.verb,
    "db.sql.table": facts.table,
    "postern.target": facts.target,
    "postern.items": facts.items,
  };
  const options = { kind: SpanKind.CLIENT, attributes };
  return tracer.startActiveSpan(`sql ${facts.verb} ${facts.table}`, options, async (span: Span) => {
    try {
      return await work((text) => {
        if (span.isRecording()) span.setAttribute("db.statement", text.slice(0, STATEMENT_CHARS));
      });
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}
