import type { Value } from "../../model/json";

export type BinaryOperator =
  | "="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "AND"
  | "OR"
  | "??"
  | "||"
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "&"
  | "|"
  | "^"
  | "<<"
  | ">>"
  | ">>>";

export type UnaryOperator = "NOT" | "-" | "+" | "~";

/** A place in the query text, for messages. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type Expression =
  | { readonly kind: "constant"; readonly value: Value }
  | { readonly kind: "parameter"; readonly name: string; readonly span: Span }
  | { readonly kind: "name"; readonly name: string; readonly span: Span }
  | { readonly kind: "property"; readonly object: Expression; readonly key: Expression }
  | { readonly kind: "unary"; readonly operator: UnaryOperator; readonly operand: Expression }
  | {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: "conditional";
      readonly test: Expression;
      readonly yes: Expression;
      readonly no: Expression;
    }
  | {
      readonly kind: "between";
      readonly value: Expression;
      readonly low: Expression;
      readonly high: Expression;
    }
  | { readonly kind: "in"; readonly value: Expression; readonly items: readonly Expression[] }
  | {
      readonly kind: "like";
      readonly value: Expression;
      readonly pattern: Expression;
      readonly escape: string | undefined;
    }
  | {
      readonly kind: "call";
      readonly name: string;
      readonly arguments: readonly Expression[];
      readonly span: Span;
    }
  | { readonly kind: "object"; readonly entries: readonly (readonly [string, Expression])[] }
  | { readonly kind: "array"; readonly items: readonly Expression[] }
  | { readonly kind: "exists" | "array-query" | "scalar-query"; readonly query: Query };

export interface SelectItem {
  readonly expression: Expression;
  readonly alias: string | undefined;
  readonly span: Span;
}

export interface Source {
  readonly alias: string;
  readonly collection: Expression;
  /** `x IN c.items`: one row for each element instead of one for the whole. */
  readonly iterates: boolean;
}

export interface OrderItem {
  readonly expression: Expression;
  readonly descending: boolean;
}

export interface Query {
  readonly distinct: boolean;
  readonly select:
    | { readonly kind: "star"; readonly span: Span }
    | { readonly kind: "value"; readonly expression: Expression }
    | { readonly kind: "list"; readonly items: readonly SelectItem[] };
  readonly top: Expression | undefined;
  readonly sources: readonly Source[];
  readonly where: Expression | undefined;
  readonly groupBy: readonly Expression[];
  readonly orderBy: readonly OrderItem[];
  readonly offset: Expression | undefined;
  readonly limit: Expression | undefined;
}
