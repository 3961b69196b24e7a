/** What the routes share: the state that they serve, a request as they see it, and their reply. */
import type { Counters } from "@postern/emulator-kit";
import type { Directory } from "../../engine/directory";
import type { DeltaRounds } from "../../engine/delta-round";
import type { LinkTokens } from "../tokens/link-token";
import type { CollectionName } from "../../engine/property-catalog";
import type { QueryOptions } from "../odata/query-options";

export interface GraphService {
  readonly directory: Directory;
  readonly store: {
    /** Resolves once every change so far is on disk. */
    settled(): Promise<void>;
  };
  readonly rounds: DeltaRounds;
  readonly tokens: LinkTokens;
  /** Tokens of an earlier epoch have expired. */
  readonly epochs: Record<CollectionName, number>;
  readonly counters: Counters;
  readonly maxTokenAgeMs: number;
  readonly replicationLagMs: number;
  /** Chance, 0 to 1, that a round repeats earlier changes and that a page repeats an object. */
  readonly replay: number;
  readonly random: () => number;
  readonly nowMs: () => number;
}

export interface Call {
  readonly method: string;
  /** Path below the version, decoded. */
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly options: QueryOptions;
  header(name: string): string | undefined;
  readonly body: unknown;
  /** `https://localhost:PORT/v1.0`, with the host that the client used. */
  readonly baseUrl: string;
}

/** A request without its transport: one over the wire, or one inside a batch. */
export interface InnerRequest {
  readonly method: string;
  /** Below the version, with the query. */
  readonly url: string;
  header(name: string): string | undefined;
  body(): unknown;
}

export interface GraphReply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

type Access = "read" | "write";

export interface Route {
  readonly method: string;
  /** Segments; `:name` matches any. */
  readonly path: string;
  /** Name for faults and counters. */
  readonly operation: string;
  readonly access: Access;
  /** Roles that suffice, besides the directory-wide ones. */
  readonly roles: readonly string[];
  handle(service: GraphService, call: Call): GraphReply;
}

export const noContent: GraphReply = { status: 204 };

/**
 * A parameter of the route's path.
 *
 * @throws RangeError if the route has no such parameter
 */
export function parameter(call: Call, name: string): string {
  const value = call.parameters[name];
  if (value === undefined) throw new RangeError(`the route has no parameter ${name}`);
  return value;
}

export function isEventual(call: Call): boolean {
  return call.header("consistencylevel")?.toLowerCase() === "eventual";
}
