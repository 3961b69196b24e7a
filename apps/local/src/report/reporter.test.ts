import { expect, test } from "@jest/globals";
import { Writable } from "node:stream";
import { CycleView } from "@postern/contracts";
import { duration, plural } from "./figures";
import { Reporter } from "./reporter";

class Screen extends Writable {
  text = "";
  readonly isTTY: boolean;
  readonly columns = 80;

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

const view = CycleView.parse({
  id: "c1",
  definition: "directory",
  kind: "initial",
  state: "running",
  startedAt: "2026-01-01T00:00:00Z",
  completedAt: null,
  durationMs: 1_500,
  streams: { users: "done" },
  read: 540,
  enqueued: 1_914,
  applied: 1_000,
  unchanged: 0,
  superseded: 0,
  held: 2,
  deadLettered: 0,
  cancelled: 0,
  outcomeUnknown: 0,
  waiting: 0,
  pending: 914,
});

test("progress shows counts, and a terminal is repainted in place", () => {
  const screen = new Screen(true);
  const reporter = new Reporter(screen as unknown as NodeJS.WriteStream, false);
  reporter.progress("directory", view);
  reporter.progress("directory", view);
  expect(screen.text).toContain("1,000 of 1,914 items");
  expect(screen.text).toContain("1,000 applied · 2 held");
  expect(screen.text).toContain("\u001b[3A\u001b[J");
});

test("without a terminal each state is one line, and none is repeated", () => {
  const screen = new Screen(false);
  const reporter = new Reporter(screen as unknown as NodeJS.WriteStream, false);
  for (let index = 0; index < 5; index += 1) reporter.progress("directory", view);
  expect(screen.text.trim().split("\n")).toHaveLength(1);
  expect(screen.text).not.toContain("\u001b");
});

test("figures read like words", () => {
  expect([
    duration(12),
    duration(1_540),
    duration(125_000),
    plural(1, "item"),
    plural(1_200, "item"),
  ]).toEqual(["12 ms", "1.5 s", "2 min 5 s", "1 item", "1,200 items"]);
});
