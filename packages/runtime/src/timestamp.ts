/** ISO 8601 in UTC with milliseconds, from Unix milliseconds. */
export function timestamp(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
