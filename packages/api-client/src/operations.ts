/**
 * Types of a call, taken from the rows of a route table: `call("getSync", ...)` takes the parameters of the row whose
 * `operationId` is `getSync` and returns what its `responses` describe.
 */
import type { Route } from "@postern/contracts";
import type { z } from "zod";

/** Routes by their `operationId`. */
export type Operations = Readonly<Record<string, Route>>;

/** A client holds the schemas of the tables that it is given: a program passes those that it calls. */
export function operationsOf<const Table extends readonly Route[]>(
  table: Table,
): { readonly [Row in Table[number] as Row["operationId"]]: Row } {
  // The keys are the ids of the rows, which the type says and Object.fromEntries() does not.
  return Object.fromEntries(table.map((route) => [route.operationId, route])) as {
    readonly [Row in Table[number] as Row["operationId"]]: Row;
  };
}

type ReplyingWith<Row extends Route, Schema extends z.ZodType> = Omit<Row, "responses"> & {
  readonly responses: {
    readonly [Status in keyof Row["responses"]]: {
      readonly description: string;
      readonly schema: Schema;
    };
  };
};

/** A route whose replies are read with another schema, such as one that takes the words of a newer cloud app. */
export function replyingWith<Row extends Route, Schema extends z.ZodType>(
  route: Row,
  schema: Schema,
): ReplyingWith<Row, Schema> {
  const responses = Object.fromEntries(
    Object.entries(route.responses).map(([status, { description }]) => [
      status,
      { description, schema },
    ]),
  ) as ReplyingWith<Row, Schema>["responses"];
  return { ...route, responses };
}

/** Schemas of the bodies that a route returns, one for each status. */
export type ReplySchema<Row extends Route> = {
  [Status in keyof Row["responses"]]: Row["responses"][Status] extends {
    readonly schema: infer Schema extends z.ZodType;
  }
    ? Schema
    : never;
}[keyof Row["responses"]];

/** A value that the server coerces from text has the input type `unknown`: callers give what it becomes. */
type Given<Schema extends z.ZodObject> = {
  readonly [Name in keyof z.input<Schema>]?: unknown extends z.input<Schema>[Name]
    ? z.output<Schema>[Name & keyof z.output<Schema>] | undefined
    : z.input<Schema>[Name] | undefined;
};

type Params<Row> = Row extends { readonly params: infer Schema extends z.ZodObject }
  ? { readonly params: Readonly<z.input<Schema>> }
  : unknown;
type Query<Row> = Row extends { readonly query: infer Schema extends z.ZodObject }
  ? { readonly query?: Given<Schema> }
  : unknown;
type Headers<Row> = Row extends { readonly headers: infer Schema extends z.ZodObject }
  ? { readonly headers?: Given<Schema> }
  : unknown;
type Body<Row> = Row extends { readonly body: infer Schema extends z.ZodType }
  ? Row extends { readonly bodyTypes: readonly string[] }
    ? { readonly body: Unchanged<z.input<Schema>> } | { readonly yaml: string }
    : { readonly body: Unchanged<z.input<Schema>> }
  : unknown;

/** As a schema takes it, and nobody changes it. */
type Unchanged<T> = T extends readonly (infer Item)[]
  ? readonly Unchanged<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Unchanged<T[Key]> }
    : T;

/** What a call of a route takes. Whether the values fit their schemas is for the API to say. */
export type CallRequest<Row extends Route> = Params<Row> & Query<Row> & Headers<Row> & Body<Row>;

/** Parameters of a call after the operation: none where the route needs nothing. */
export type CallArguments<Row extends Route> =
  Record<never, never> extends CallRequest<Row>
    ? [request?: CallRequest<Row>]
    : [request: CallRequest<Row>];

/** A page of a list, as every list route returns it. */
export interface ListPage<Item = unknown> {
  readonly items: readonly Item[];
  readonly continuation: string | null;
}

export type ItemOf<Row extends Route> =
  z.output<ReplySchema<Row>> extends ListPage<infer Item> ? Item : never;

/** The operations that return a list in pages. */
export type ListOperation<Known extends Operations> = {
  [Op in keyof Known]: z.output<ReplySchema<Known[Op]>> extends ListPage ? Op : never;
}[keyof Known];

/** What reading a list takes: its pages are for the client to ask for. */
export type ListRequest<Row extends Route> = Params<Row> &
  (Row extends { readonly query: infer Schema extends z.ZodObject }
    ? { readonly query?: Omit<Given<Schema>, "limit" | "continuation"> }
    : unknown);
