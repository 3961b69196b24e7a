import type { View } from "../terminal";
import { tint, type Tone } from "./colour";
import { cut, pad, plain, widthOf } from "./text";

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: "left" | "right";
  readonly tone?: (row: Row) => Tone;
  /** Width that the column may shrink to on a narrow terminal; absent: it is never cut. */
  readonly least?: number;
}

const GAP = "  ";

/**
 * A table that fits the terminal: columns that may shrink are cut, the widest first. Without rows the text is empty,
 * and the caller says why.
 *
 * @param below a line under each row that is never cut, for ids, which people copy
 */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  view: View,
  below?: (row: Row) => string,
): string {
  if (rows.length === 0) return "";
  const cells = rows.map((row) => columns.map(({ value }) => plain(value(row))));
  const widths = fit(
    columns.map(({ title, least }, index) => ({
      natural: Math.max(widthOf(title), ...cells.map((row) => widthOf(row[index] ?? ""))),
      least: least === undefined ? undefined : Math.max(least, widthOf(title)),
    })),
    view.columns,
  );
  const line = (texts: readonly string[], tones: readonly Tone[]): string =>
    texts
      .map((text, index) => {
        const width = widths[index] ?? 0;
        const padded = pad(cut(text, width), width, columns[index]?.align);
        const last = index === texts.length - 1;
        return tint(last ? padded.trimEnd() : padded, tones[index] ?? "none", view.colours);
      })
      .join(GAP)
      .trimEnd();
  const head = line(
    columns.map(({ title }) => title),
    columns.map((): Tone => "dim"),
  );
  const body = rows.flatMap((row, index) => [
    line(
      cells[index] ?? [],
      columns.map(({ tone }) => tone?.(row) ?? "none"),
    ),
    ...(below === undefined ? [] : [tint(`  ${plain(below(row))}`, "dim", view.colours)]),
  ]);
  return `${[head, ...body].join("\n")}\n`;
}

interface Want {
  readonly natural: number;
  readonly least: number | undefined;
}

function fit(wants: readonly Want[], columns: number | undefined): number[] {
  const widths = wants.map(({ natural }) => natural);
  if (columns === undefined) return widths;
  let over =
    widths.reduce((sum, width) => sum + width, 0) + GAP.length * (wants.length - 1) - columns;
  while (over > 0) {
    let widest: number | undefined;
    for (const [index, { least }] of wants.entries()) {
      const width = widths[index] ?? 0;
      if (least === undefined || width <= least) continue;
      if (widest === undefined || width > (widths[widest] ?? 0)) widest = index;
    }
    // No column can shrink further: the terminal wraps.
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 1) - 1;
    over -= 1;
  }
  return widths;
}

export type Fact = readonly [name: string, value: string, tone?: Tone];

/** Names and values, one pair per line; values are never cut. */
export function facts(list: readonly Fact[], view: View): string {
  const width = Math.max(0, ...list.map(([name]) => widthOf(name)));
  return list
    .map(([name, value, tone]) =>
      `${tint(pad(name, width), "dim", view.colours)}${GAP}${tint(plain(value), tone ?? "none", view.colours)}`.trimEnd(),
    )
    .map((text) => `${text}\n`)
    .join("");
}
