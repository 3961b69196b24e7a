import { expect, test } from "@jest/globals";
import {
  choiceOption,
  commonOptions,
  defaulted,
  describeOptions,
  numberOption,
  patternOption,
  readOptions,
  required,
  textOption,
} from "./command-options";
import { StartError } from "./start-error";

const table = {
  topology: required(textOption("FILE", "JSON file of the queues")),
  ...commonOptions,
  key: patternOption("BASE64", "account key", /^[A-Za-z0-9+/]+=*$/, "base64"),
  chance: numberOption("chance of a repeat", { min: 0, max: 1, fractions: true }),
  format: defaulted(choiceOption("form of the log", ["text", "json"]), "text"),
};
const needed = ["--topology", "queues.json"];

function refusal(...argv: string[]): StartError {
  try {
    readOptions(table, argv);
  } catch (error) {
    expect(error).toBeInstanceOf(StartError);
    return error as StartError;
  }
  throw new Error(`${argv.join(" ")} was accepted`);
}

test("values are read by type, and defaults stand in for what is left out", () => {
  expect(readOptions(table, needed)).toEqual({
    topology: "queues.json",
    port: 0,
    "control-port": 0,
    format: "text",
  });
  const values = readOptions(table, [
    ...needed,
    "--port",
    "8080",
    "--chance=0.25",
    "--format",
    "json",
    "--key=QUJD",
  ]);
  expect(values).toMatchObject({ port: 8080, chance: 0.25, format: "json", key: "QUJD" });
});

test("a value that begins with a dash is given after an equals sign", () => {
  expect(readOptions(table, [...needed, "--data=-odd"])).toMatchObject({ data: "-odd" });
});

test.each([
  [["--colour", "red"], "--colour is not an option"],
  [["-p", "1"], "-p is not an option"],
  [["work"], "unexpected argument 'work'"],
  [["--data"], "--data needs a value: DIR"],
  [["--data", "--port", "1"], "--data needs a value: DIR"],
  [["--data="], "--data must not be empty, not ''"],
  [["--port", "99999"], "--port must be a whole number from 0 to 65535, not '99999'"],
  [["--port", "1.5"], "--port must be a whole number from 0 to 65535, not '1.5'"],
  [["--port", ""], "--port must be a whole number from 0 to 65535, not ''"],
  [["--port", "http"], "--port must be a whole number from 0 to 65535, not 'http'"],
  [["--chance", "1.1"], "--chance must be a number from 0 to 1, not '1.1'"],
  [["--format", "xml"], "--format must be text or json, not 'xml'"],
  [["--key", "?"], "--key must be base64, not '?'"],
])("%j is refused with the reason", (flags, message) => {
  expect(refusal(...needed, ...flags)).toMatchObject({ code: "bad-flag", message });
});

test("a required option that is missing is named with its value", () => {
  expect(refusal()).toMatchObject({ code: "bad-flag", message: "--topology FILE is required" });
  expect(refusal("--topology").message).toBe("--topology needs a value: FILE");
});

test("all problems are reported together", () => {
  expect(refusal("--colour", "--port", "x", "--chance", "2").message.split("\n")).toEqual([
    "--colour is not an option",
    "--topology FILE is required",
    "--port must be a whole number from 0 to 65535, not 'x'",
    "--chance must be a number from 0 to 1, not '2'",
  ]);
});

test("names of object prototypes are not options", () => {
  expect(refusal(...needed, "--constructor", "x").message).toBe("--constructor is not an option");
});

test("the help names every option, its value, its default and what is required", () => {
  const help = describeOptions({ name: "some-emulator", summary: "Some emulator." }, table, {
    help: "print this help",
  });
  const lines = help.split("\n");
  expect(lines[0]).toBe("Usage: some-emulator --topology FILE [options]");
  expect(lines[2]).toBe("Some emulator.");
  expect(help).toMatch(/^ {2}--topology FILE +JSON file of the queues \(required\)$/m);
  expect(help).toMatch(/^ {2}--port N +port to listen on; 0: any free port \(default 0\)$/m);
  expect(help).toMatch(/^ {2}--format text\|json +form of the log \(default text\)$/m);
  expect(help).toMatch(/^ {2}--help +print this help$/m);
  for (const name of Object.keys(table)) expect(help).toContain(`--${name} `);
});
