/** What a route is, and what several routes share. */
import { z } from "zod";
import type { ErrorCode } from "../words/error-codes";

/** App roles of the `roles` claim. */
export const Role = z.enum(["Reader", "Operator", "TargetAdmin", "Approver", "Agent"]);
export type Role = z.infer<typeof Role>;

export interface Route {
  readonly method: "GET" | "POST" | "PUT";
  /** Path below `/api`, with `{parameters}`. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  /** Any one of these; none = anonymous. */
  readonly roles: readonly Role[];
  /** Schema of the path's parameters; each is named here. */
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** Request headers that the route reads, in lower case. */
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Media types of the body; JSON when absent. */
  readonly bodyTypes?: readonly MediaType[];
  /** Default: `defaultBodyBytes`. */
  readonly maxBodyBytes?: number;
  readonly responses: Readonly<Record<number, RouteResponse>>;
  /** Errors of this route beyond those that any authenticated route may answer. */
  readonly problems?: readonly ErrorCode[];
}

export type MediaType = "application/json" | "application/yaml";

export interface RouteResponse {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** Response headers and what they say. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Bytes of a request body where the route does not say otherwise: a job with 100 entities takes 30 KB. */
export const defaultBodyBytes = 64 * 1024;

/** Entity tag of RFC 9110, as `ETag` gave it. */
export const EntityTag = z
  .string()
  .max(200)
  .regex(/^(\*|(W\/)?"[\x21\x23-\x7e]*")$/, { error: 'must be one entity tag in quotes, or "*"' });

/** A page of a list. */
export const listPage = <T extends z.ZodType>(item: T) =>
  z.strictObject({
    items: z.array(item),
    /** Opaque; pass it back as `continuation`. */ continuation: z.string().nullable(),
  });

/** Query of a list. */
export const listQuery = z.strictObject({
  limit: z.coerce.number({ error: "must be a whole number" }).int().min(1).max(200).default(50),
  continuation: z.string().max(2_000).optional(),
});
