/**
 * A text without this character at its end, however often it stands there. A pattern would search from each one anew.
 */
export function withoutEnd(text: string, character: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === character) end -= 1;
  return text.slice(0, end);
}
