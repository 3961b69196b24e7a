/** Circles in a graph of names: every group of two or more that reach each other. */
export function circles(edges: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const found: string[][] = [];

  // Tarjan's algorithm. The recursion is as deep as the longest chain of imports.
  const visit = (name: string): void => {
    index.set(name, index.size);
    low.set(name, index.get(name) ?? 0);
    stack.push(name);
    onStack.add(name);
    for (const next of edges.get(name) ?? []) {
      if (!index.has(next)) visit(next);
      if (onStack.has(next)) low.set(name, Math.min(low.get(name) ?? 0, low.get(next) ?? 0));
    }
    if (low.get(name) !== index.get(name)) return;
    const group = stack.splice(stack.indexOf(name));
    for (const each of group) onStack.delete(each);
    if (group.length > 1) found.push(group.sort());
  };
  for (const name of edges.keys()) if (!index.has(name)) visit(name);
  return found;
}
