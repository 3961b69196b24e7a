/** Whether two JSON values are equal; the order of properties does not matter. */
export function sameValue(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null)
    return false;
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, index) => sameValue(item, right[index]));
  }
  const a = Object.entries(left);
  const b = new Map<string, unknown>(Object.entries(right));
  return (
    a.length === b.size && a.every(([name, value]) => b.has(name) && sameValue(value, b.get(name)))
  );
}
