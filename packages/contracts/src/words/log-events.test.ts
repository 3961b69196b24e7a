import { expect, test } from "@jest/globals";
import { logEvents } from "./log-events";

const all = Object.entries(logEvents);

test.each(all)("%s is named noun.verb and explained in one line", (name, { explanation }) => {
  expect(name).toMatch(/^[a-z]+(-[a-z]+)*\.([a-z]+-)*[a-z]+$/);
  expect(explanation).toMatch(/^[A-Z][^\n]{8,119}\.$/);
});

test("the verb is in the past tense", () => {
  const past = /(ed|broken|lost|rebuilt|taken-over)$/;
  expect(all.map(([name]) => name).filter((name) => !past.test(name))).toEqual([]);
});

test("events are sorted by name, so that each is added once", () => {
  const names = all.map(([name]) => name.replace(".", " "));
  expect(names).toEqual(names.toSorted());
});
