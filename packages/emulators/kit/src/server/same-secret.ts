import { timingSafeEqual } from "node:crypto";

/** Whether two keys or signatures are equal; the time it takes says nothing about where they differ. */
export function sameSecret(left: string | Buffer, right: string | Buffer): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
