/**
 * The first `limit` UTF-16 code units of a text: the unit in which schemas bound texts. A surrogate pair is never cut
 * in two, so the result may be one unit shorter.
 *
 * @param limit code units, at least 0; take it from `limits`
 * @param ending marks a cut, for example `…`; it counts towards the limit, which must hold it
 */
export function clip(text: string, limit: number, ending = ""): string {
  if (text.length <= limit) return text;
  const end = limit - ending.length;
  return `${text.slice(0, splitsPair(text, end) ? end - 1 : end)}${ending}`;
}

function splitsPair(text: string, end: number): boolean {
  return isHighSurrogate(text.charCodeAt(end - 1)) && isLowSurrogate(text.charCodeAt(end));
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;
