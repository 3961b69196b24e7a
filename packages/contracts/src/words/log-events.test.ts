import { expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import path from "node:path";
import { logEvents } from "./log-events";

const all = Object.entries(logEvents);

test.each(all)("%s is named noun.verb and explained in one line", (name, { explanation }) => {
  expect(name).toMatch(/^[a-z]+(-[a-z]+)*\.([a-z]+-)*[a-z]+$/);
  expect(explanation).toMatch(/^[A-Z][^\n]{8,119}\.$/);
});

test("the verb is in the past tense", () => {
  const past = /(ed|broken|lost|rebuilt|sent|taken-over)$/;
  expect(all.map(([name]) => name).filter((name) => !past.test(name))).toEqual([]);
});

test("events are sorted by name, so that each is added once", () => {
  const names = all.map(([name]) => name.replace(".", " "));
  expect(names).toEqual(names.toSorted());
});

test("docs/log-events.md lists them all (else: npm run fix)", () => {
  const file = path.join(__dirname, "..", "..", "..", "..", "docs", "log-events.md");
  const rows = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  expect(rows.map(([, name, by, explanation]) => [name, by, explanation])).toEqual(
    all.map(([name, { by, explanation }]) => [
      `\`${name}\``,
      by === "both" ? "agent, cloud" : by,
      explanation,
    ]),
  );
});
