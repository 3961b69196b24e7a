/** The syntax tree of the expression engine, as far as it is looked at. */
export interface AstNode {
  readonly op: string;
  readonly args: unknown;
  readonly start: number;
  readonly end: number;
}

/** Methods whose first argument names a variable of their own (CEL macros). */
export const MACROS: ReadonlySet<string> = new Set([
  "all",
  "exists",
  "exists_one",
  "map",
  "filter",
]);

export function isNode(value: unknown): value is AstNode {
  return typeof value === "object" && value !== null && "op" in value && "args" in value;
}

export function childrenOf(args: unknown): AstNode[] {
  if (isNode(args)) return [args];
  if (!Array.isArray(args)) return [];
  return (args as unknown[]).flatMap(childrenOf);
}

export function nodesIn(node: AstNode): number {
  return childrenOf(node.args).reduce((count, child) => count + nodesIn(child), 1);
}
