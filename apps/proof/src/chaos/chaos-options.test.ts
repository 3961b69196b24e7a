import { expect, test } from "@jest/globals";
import { OptionsError } from "@postern/local";
import { type ChaosOptions, parseChaosOptions } from "./chaos-options";

const at = { clockMs: 1_700_000_000_000, defaultResults: "/postern/proof/chaos.jsonl" };

function parsed(...argv: string[]): ChaosOptions {
  const options = parseChaosOptions(argv, "/home/someone", at);
  if (options === "help") throw new Error("help was not asked for");
  return options;
}

test("without options a storm of a minute against SQLite is recorded with the proof", () => {
  expect(parsed()).toMatchObject({
    scenario: "storm",
    minutes: 1,
    target: "sqlite",
    results: "/postern/proof/chaos.jsonl",
  });
});

test.each([
  [["--kill-points", "500"], { scenario: "kill-points", kills: 500 }],
  [["--kill-points", "functions"], { scenario: "functions-kill-points", kills: 24 }],
  [
    ["--kill-points", "functions", "--kills", "36"],
    { scenario: "functions-kill-points", kills: 36 },
  ],
  [["--poison", "--items", "5000"], { scenario: "poison", items: 5_000 }],
  [["--target-down"], { scenario: "target-down", minutes: 5 }],
  [["--target-down", "--minutes", "0.5"], { scenario: "target-down", minutes: 0.5 }],
  [["--target", "postgres"], { scenario: "storm", target: "postgres" }],
  [["--results", "mine.jsonl"], { results: "/home/someone/mine.jsonl" }],
  [["--no-record"], { results: undefined }],
] as const)("%j", (argv, expected) => {
  expect(parsed(...argv)).toMatchObject(expected);
});

test.each([
  [["--poison", "--target-down"]],
  [["--poison", "--target", "postgres"]],
  [["--kills", "5"]],
  [["--kill-points", "agents"]],
  [["--target", "oracle"]],
  [["--results", "a", "--no-record"]],
  [["--results", ""]],
  [["--poison", "--items", "10"]],
] as const)("%j is refused", (argv) => {
  expect(() => parsed(...argv)).toThrow(OptionsError);
});
