/** Crockford's base 32: no letter that is taken for a digit, and the order of characters is the order of values. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_CHARS = 9;
const RANDOM_CHARS = 16;

/**
 * An id that sorts by time: 45 bits of milliseconds (until the year 3084), then 80 random bits. As a ULID, but lower
 * case, so that it looks like the other ids.
 *
 * @param nowMs Unix milliseconds
 * @param next 0 <= value < 1
 */
export function timeSortedId(nowMs: number, next: () => number): string {
  let time = "";
  for (let rest = Math.floor(nowMs), digit = 0; digit < TIME_CHARS; digit += 1) {
    time = `${ALPHABET[rest % 32] ?? ""}${time}`;
    rest = Math.floor(rest / 32);
  }
  let random = "";
  while (random.length < RANDOM_CHARS) random += ALPHABET[Math.floor(next() * 32)] ?? "0";
  return time + random;
}
