import { clip, limits, Problem, type Route } from "@postern/contracts";
import type { z } from "zod";
import { ApiError, ApiUnreachable, UnexpectedReply, UnsendableRequest } from "./api-errors";
import { BodyTooLarge, boundedText } from "./bounded-text";
import type { Fetch } from "./fetch";
import { type Listed, listPages } from "./list-pages";
import type {
  CallArguments,
  ItemOf,
  ListOperation,
  ListPage,
  ListRequest,
  Operations,
  ReplySchema,
} from "./operations";
import { type ReadReply, readReply } from "./reply-reader";
import { pathOf, queryOf, type Values } from "./request-url";

/** A page of 200 dead letters takes 13 MB when each holds the longest payload, in ASCII. */
const DEFAULT_MAX_REPLY_BYTES = 64 * 1024 * 1024;

export interface ApiClientOptions {
  /** With `/api`, without a slash at the end. */
  readonly baseUrl: string;
  readonly fetch: Fetch;
  /** Asked before each call of a route that is not open to anyone. Undefined: the call is sent without a token. */
  readonly token: () => Promise<string | undefined>;
  /** Milliseconds from sending a request to the end of its reply. */
  readonly timeoutMs: number;
  /** Default: 64 MiB. */
  readonly maxReplyBytes?: number;
}

export interface ApiReply<Row extends Route> {
  readonly status: keyof Row["responses"];
  readonly value: z.output<ReplySchema<Row>>;
  /** The JSON as it came, with the fields that the schema does not know. */
  readonly raw: unknown;
}

/** A request without the types of its route. */
interface LooseRequest {
  readonly params?: Values | undefined;
  readonly query?: Values | undefined;
  readonly headers?: Values | undefined;
  readonly body?: unknown;
  readonly yaml?: string | undefined;
}

/** Calls the operations of route tables by name. It follows no redirect and repeats no request. */
export class ApiClient<const Known extends Operations> {
  readonly #operations: Known;
  readonly #options: ApiClientOptions;

  /** @param operations those that the program calls: `operationsOf(table)` */
  constructor(operations: Known, options: ApiClientOptions) {
    this.#operations = operations;
    this.#options = options;
  }

  /**
   * Sends one request. A status is a reply when the route table gives a schema for it, whatever its class.
   *
   * @throws ApiError
   * @throws UnexpectedReply
   * @throws ApiUnreachable
   * @throws UnsendableRequest; and what `token` throws
   */
  async call<Op extends keyof Known>(
    operation: Op,
    ...[request]: CallArguments<Known[Op]>
  ): Promise<ApiReply<Known[Op]>> {
    const reply: unknown = await this.#call(this.#route(operation), request ?? {});
    // The schema that has read the reply is the one that its type comes from.
    return reply as ApiReply<Known[Op]>;
  }

  /**
   * Reads the first `limit` items of a list, over as many pages as that takes.
   *
   * @throws RepeatedPage; and what `call` throws
   */
  async list<Op extends ListOperation<Known>>(
    operation: Op,
    request: ListRequest<Known[Op]>,
    limit: number,
  ): Promise<Listed<ItemOf<Known[Op]>>> {
    const route = this.#route(operation);
    const { params, query } = request as LooseRequest;
    return listPages(nameOf(route, params), limit, async (page) => {
      const { value, raw } = await this.#call(route, { params, query: { ...query, ...page } });
      // `ListOperation` lets through only routes whose schema reads a page.
      return { value: value as ListPage<ItemOf<Known[Op]>>, raw };
    });
  }

  #route(operation: keyof Known): Route {
    const route = this.#operations[operation];
    if (route !== undefined) return route;
    throw new TypeError(`${String(operation)} is not an operation of this client`);
  }

  async #call(
    route: Route,
    request: LooseRequest,
  ): Promise<ReadReply<unknown> & { status: number }> {
    const name = nameOf(route, request.params);
    const { status, text, retryAfterMs } = await this.#send(name, route, request);
    const schema = route.responses[status]?.schema;
    if (schema !== undefined) {
      const reply = readReply(schema, text);
      if (reply !== undefined) return { status, ...reply };
    }
    if (status >= 200 && status < 300) throw new UnexpectedReply(name, status);
    throw new ApiError(name, {
      status,
      problem: readReply(Problem, text)?.value,
      retryAfterMs,
      excerpt: clip(text, limits.failureChars),
    });
  }

  async #send(
    name: string,
    route: Route,
    { params, query, headers, body, yaml }: LooseRequest,
  ): Promise<{ status: number; text: string; retryAfterMs: number | undefined }> {
    const { baseUrl, fetch, token, timeoutMs } = this.#options;
    const url = `${baseUrl}/${pathOf(route, params)}${queryOf(query)}`;
    const content = contentOf(body, yaml);
    const sent = {
      ...headersOf(headers),
      ...(route.roles.length === 0 ? {} : authorization(await token())),
      ...(content === undefined ? {} : { "content-type": content.type }),
      accept: "application/json",
    };
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const reply = await fetch(url, {
        method: route.method,
        headers: sent,
        ...(content === undefined ? {} : { body: content.text }),
        redirect: "error",
        signal,
      });
      return {
        status: reply.status,
        text: await boundedText(reply.body, this.#options.maxReplyBytes ?? DEFAULT_MAX_REPLY_BYTES),
        retryAfterMs: retryAfterOf(reply.headers.get("retry-after")),
      };
    } catch (error) {
      if (error instanceof BodyTooLarge) throw new ApiUnreachable(name, "too-large", error);
      if (signal.aborted) throw new ApiUnreachable(name, "timed-out", signal.reason);
      throw new ApiUnreachable(name, "connection", error);
    }
  }
}

/** Method and path as messages name a request: without the query, which may hold what a person searched for. */
function nameOf(route: Route, params: Values | undefined): string {
  return `${route.method} /api/${pathOf(route, params)}`;
}

function contentOf(
  body: unknown,
  yaml: string | undefined,
): { type: string; text: string } | undefined {
  if (yaml !== undefined) return { type: "application/yaml", text: yaml };
  return body === undefined ? undefined : { type: "application/json", text: JSON.stringify(body) };
}

function headersOf(headers: Values = {}): Record<string, string> {
  const sent: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    if (typeof value !== "string" || !/^[\u0020-\u007e]*$/.test(value)) {
      throw new UnsendableRequest("header", `${name} must be one line of ASCII characters`);
    }
    sent[name] = value;
  }
  return sent;
}

/** What is not a token is not shown: it may hold one, as the JSON that tools print around it does. */
function authorization(token: string | undefined): Record<string, string> {
  if (token === undefined) return {};
  if (/^[\u0021-\u007e]+$/.test(token)) return { authorization: `Bearer ${token}` };
  throw new UnsendableRequest(
    "token",
    "the token is not one line of visible ASCII characters: it is not the token alone",
  );
}

/** RFC 9110 also allows a date, which the API does not send. */
function retryAfterOf(value: string | null): number | undefined {
  return value !== null && /^\d{1,9}$/.test(value) ? Number(value) * 1_000 : undefined;
}
