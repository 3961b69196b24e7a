import { expect, test } from "@jest/globals";
import { parseCommand } from "./command-line";

test.each([
  [["run", "--config", "a.yaml"], { kind: "run", config: "a.yaml", exitWithStdin: false }],
  [["run", "--exit-with-stdin"], { kind: "run", config: undefined, exitWithStdin: true }],
  [["config", "--show", "--json"], { kind: "show", config: undefined, json: true }],
  [["--version"], { kind: "version" }],
  [["run", "--help"], { kind: "help" }],
])("%j is understood", (args, expected) => {
  expect(parseCommand(args)).toEqual(expected);
});

test.each([
  [[], "a command is needed"],
  [["walk"], "unknown command 'walk'"],
  [["run", "fast"], "unexpected argument 'fast'"],
  [["run", "--konfig", "x"], "--konfig"],
  [["config"], "config needs --show"],
])("%j is refused with its own message", (args, sentence) => {
  const command = parseCommand(args);
  expect(command.kind === "mistake" ? command.text : "").toContain(sentence);
});
