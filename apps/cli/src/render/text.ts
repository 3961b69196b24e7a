import { stripVTControlCharacters } from "node:util";

/**
 * Strips control characters: text from the platform may contain anything, and must not move the cursor or colour the
 * screen.
 */
export function plain(text: string): string {
  // eslint-disable-next-line no-control-regex -- this strips them
  return stripVTControlCharacters(text).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ");
}

const segments = new Intl.Segmenter("en", { granularity: "grapheme" });
/** East Asian scripts and emoji take two cells. */
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|^\p{Emoji_Presentation}/u;

function cells(segment: string): number {
  return WIDE.test(segment) ? 2 : 1;
}

export function widthOf(text: string): number {
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segments.segment(text)) width += cells(segment);
  return width;
}

/** Cuts a text to at most `width` cells; an ellipsis marks the cut. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width <= 1) return "…".slice(0, width);
  let kept = "";
  let taken = 0;
  for (const { segment } of segments.segment(text)) {
    if (taken + cells(segment) > width - 1) break;
    kept += segment;
    taken += cells(segment);
  }
  return `${kept.trimEnd()}…`;
}

export function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  const gap = " ".repeat(Math.max(0, width - widthOf(text)));
  return align === "left" ? text + gap : gap + text;
}

/** Wraps a text between words into lines of at most `width` cells; a longer word gets its own line. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line === "" || widthOf(longer) <= width) line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}
