import { clip, type FieldProblem, fieldProblems, limits, type Route } from "@postern/contracts";
import { z } from "zod";
import { type RawBody, readBody } from "./request-body";
import { invalidRequest } from "./request-error";

/** No route has a tenth of them. */
const MAX_QUERY_PARAMETERS = 100;

export interface RawRequest extends RawBody {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

/** The input of a request, validated against the schemas of its route. */
export interface RequestInput {
  readonly params: unknown;
  readonly query: unknown;
  readonly headers: unknown;
  readonly body: unknown;
}

/**
 * Everything but the body is validated first and together, so that a caller sees all problems at once; the body is read
 * only when the rest is valid.
 *
 * @throws RequestError
 */
export async function readInput(route: Route, request: RawRequest): Promise<RequestInput> {
  const problems: FieldProblem[] = [];
  // First: every part of a query that is not known would be a problem to list.
  if (request.query.size > MAX_QUERY_PARAMETERS)
    throw invalidRequest([
      { field: "query", problem: `has more than ${MAX_QUERY_PARAMETERS} parameters` },
    ]);
  const params = parse(route.params, { ...request.params }, "path", problems);
  const query = parse(
    route.query ?? z.strictObject({}),
    queryObject(request.query, problems),
    "query",
    problems,
  );
  const headers = parse(route.headers, headerObject(route, request.headers), "header", problems);
  if (problems.length > 0) throw invalidRequest(problems);
  return { params, query, headers, body: await bodyOf(route, request) };
}

async function bodyOf(route: Route, request: RawRequest): Promise<unknown> {
  if (route.body === undefined) return undefined;
  const value = await readBody(route, request);
  const parsed = route.body.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidRequest(fieldProblems(parsed.error, knownKeys(route.body)));
}

function parse(
  schema: z.ZodObject | undefined,
  value: Record<string, string>,
  place: string,
  problems: FieldProblem[],
): unknown {
  if (schema === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const problem of fieldProblems(parsed.error, Object.keys(schema.shape))) {
    // `$.limit` of a query is called `query.limit`.
    problems.push({ ...problem, field: `${place}${problem.field.slice(1)}` });
  }
  return undefined;
}

function queryObject(query: URLSearchParams, problems: FieldProblem[]): Record<string, string> {
  const entries = new Map<string, string>();
  for (const [name, value] of query) {
    if (entries.has(name))
      problems.push({
        field: `query.${clip(name, limits.quotedChars)}`,
        problem: "given more than once",
      });
    entries.set(name, value);
  }
  return Object.fromEntries(entries);
}

function headerObject(route: Route, headers: Headers): Record<string, string> {
  const names = Object.keys(route.headers?.shape ?? {});
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
}

const keysOfSchema = new WeakMap<z.ZodType, readonly string[]>();

/** The keys at every depth of a schema, for "did you mean". */
function knownKeys(schema: z.ZodType): readonly string[] {
  let keys = keysOfSchema.get(schema);
  if (keys === undefined) {
    const found = new Set<string>();
    const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
    collectKeys(json, found);
    keys = [...found];
    keysOfSchema.set(schema, keys);
  }
  return keys;
}

function collectKeys(json: unknown, found: Set<string>): void {
  if (typeof json !== "object" || json === null) return;
  const entries: [string, unknown][] = Object.entries(json);
  for (const [key, value] of entries) {
    if (key === "properties" && typeof value === "object" && value !== null) {
      for (const name of Object.keys(value)) found.add(name);
    }
    collectKeys(value, found);
  }
}
