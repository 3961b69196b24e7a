/**
 * The options of an emulator's command line, as a table: every option is written `--name VALUE` or `--name=VALUE`, says
 * how its value is read, and whether it may be left out. Pure: reading, checking and describing; the process is run by
 * emulator-command.ts.
 */
import { StartError } from "./start-error";

const HIGHEST_PORT = 65_535;

/** A value that an option does not take; the message says what it takes ("must be …"). */
class BadValueError extends Error {}

interface Option<T> {
  /** What stands for the value in the help: `N`, `DIR`, `FILE`. */
  readonly placeholder: string;
  readonly help: string;
  /** @throws BadValueError if the value is not one that the option takes */
  readonly read: (text: string) => T;
}
export interface RequiredOption<T> extends Option<T> {
  readonly presence: "required";
}
export interface OptionalOption<T> extends Option<T> {
  readonly presence: "optional";
}
export interface DefaultedOption<T> extends Option<T> {
  readonly presence: "defaulted";
  readonly value: T;
}
export type AnyOption =
  RequiredOption<unknown> | OptionalOption<unknown> | DefaultedOption<unknown>;
export type OptionTable = Readonly<Record<string, AnyOption>>;

/** The values by option name; `undefined` only where an option may be left out and has no default. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends OptionalOption<infer T>
    ? T | undefined
    : Table[Name] extends RequiredOption<infer T> | DefaultedOption<infer T>
      ? T
      : never;
};

export function required<T>(option: OptionalOption<T>): RequiredOption<T> {
  return { ...option, presence: "required" };
}

export function defaulted<T>(option: OptionalOption<T>, value: T): DefaultedOption<T> {
  return { ...option, presence: "defaulted", value };
}

/** Any text except the empty one. */
export function textOption(placeholder: string, help: string): OptionalOption<string> {
  return {
    presence: "optional",
    placeholder,
    help,
    read: (text) => {
      if (text !== "") return text;
      throw new BadValueError("must not be empty");
    },
  };
}

/** Text of a certain form. @param form describes the form in the error message, for example "base64" */
export function patternOption(
  placeholder: string,
  help: string,
  pattern: RegExp,
  form: string,
): OptionalOption<string> {
  return {
    presence: "optional",
    placeholder,
    help,
    read: (text) => {
      if (pattern.test(text)) return text;
      throw new BadValueError(`must be ${form}`);
    },
  };
}

/** A whole number, or with `fractions` any number, from `min` to `max`. */
export function numberOption(
  help: string,
  range: { readonly min: number; readonly max: number; readonly fractions?: true },
): OptionalOption<number> {
  const { min, max, fractions } = range;
  return {
    presence: "optional",
    placeholder: "N",
    help,
    read: (text) => {
      const value = Number(text);
      const fits = text.trim() !== "" && value >= min && value <= max;
      if (fits && (fractions === true || Number.isInteger(value))) return value;
      const kind = fractions === true ? "a number" : "a whole number";
      throw new BadValueError(`must be ${kind} from ${min} to ${max}`);
    },
  };
}

export function choiceOption<const Choice extends string>(
  help: string,
  choices: readonly Choice[],
): OptionalOption<Choice> {
  return {
    presence: "optional",
    placeholder: choices.join("|"),
    help,
    read: (text) => {
      const choice = choices.find((each) => each === text);
      if (choice !== undefined) return choice;
      throw new BadValueError(`must be ${choices.join(" or ")}`);
    },
  };
}

function portOption(help: string): OptionalOption<number> {
  return numberOption(`${help}; 0: any free port`, { min: 0, max: HIGHEST_PORT });
}

/** The options that every emulator has. */
export const commonOptions = {
  port: defaulted(portOption("port to listen on"), 0),
  "control-port": defaulted(portOption("port of the control server"), 0),
  data: textOption("DIR", "directory that keeps the data; without it, data lives in memory"),
} as const;

/** The options of emulators that speak https, beside the common ones. */
export const httpsOptions = {
  certificates: required(
    textOption("DIR", "directory of the https certificate, made there on first use"),
  ),
  "public-port": portOption("port that clients use, when something forwards it to --port"),
} as const;

/**
 * Reads the arguments of a command line.
 *
 * @throws StartError `bad-flag` with every problem on a line: the option, the value and what is expected
 */
export function readOptions<Table extends OptionTable>(
  table: Table,
  argv: readonly string[],
): OptionValues<Table> {
  const { given, problems } = givenValues(table, argv);
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(table)) {
    const text = given.get(name);
    if (text === undefined) {
      if (option.presence === "defaulted") values[name] = option.value;
      else if (option.presence === "required" && !given.has(name))
        problems.push(`${usageOf(name, option)} is required`);
      continue;
    }
    try {
      values[name] = option.read(text);
    } catch (error) {
      if (!(error instanceof BadValueError)) throw error;
      problems.push(`--${name} ${error.message}, not '${text}'`);
    }
  }
  if (problems.length > 0) throw new StartError("bad-flag", problems.join("\n"));
  // Without problems, every name has a value of its option's type.
  return values as OptionValues<Table>;
}

/**
 * The texts given by option name; undefined where a value was forgotten, which is among the problems. Node's
 * `parseArgs` stops at the first problem, or takes the next option for a forgotten value.
 */
function givenValues(
  table: OptionTable,
  argv: readonly string[],
): { readonly given: ReadonlyMap<string, string | undefined>; readonly problems: string[] } {
  const given = new Map<string, string | undefined>();
  const problems: string[] = [];
  const rest = [...argv];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (!argument.startsWith("-")) {
      problems.push(`unexpected argument '${argument}'`);
      continue;
    }
    const [written = argument] = argument.split("=", 1);
    const inline = written === argument ? undefined : argument.slice(written.length + 1);
    const value = inline ?? (rest[0]?.startsWith("-") === false ? rest.shift() : undefined);
    const name = written.slice("--".length);
    const option = written.startsWith("--") && Object.hasOwn(table, name) ? table[name] : undefined;
    if (option === undefined) {
      problems.push(`${written} is not an option`);
      continue;
    }
    if (value === undefined) problems.push(`${written} needs a value: ${option.placeholder}`);
    given.set(name, value);
  }
  return { given, problems };
}

/** What `--help` prints. `flags` are options without a value, by name, with their help. */
export function describeOptions(
  program: { readonly name: string; readonly summary: string },
  table: OptionTable,
  flags: Readonly<Record<string, string>>,
): string {
  const entries = Object.entries(table);
  const needed = entries.filter(([, { presence }]) => presence === "required");
  const usage = [program.name, ...needed.map(([name, option]) => usageOf(name, option))];
  const lines: (readonly [string, string])[] = [
    ...entries.map(([name, option]) => [usageOf(name, option), helpOf(option)] as const),
    ...Object.entries(flags).map(([name, help]) => [`--${name}`, help] as const),
  ];
  const width = Math.max(...lines.map(([left]) => left.length));
  return [
    `Usage: ${usage.join(" ")} [options]`,
    "",
    program.summary,
    "",
    "Options:",
    ...lines.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    "",
  ].join("\n");
}

function usageOf(name: string, option: AnyOption): string {
  return `--${name} ${option.placeholder}`;
}

function helpOf(option: AnyOption): string {
  switch (option.presence) {
    case "required":
      return `${option.help} (required)`;
    case "defaulted":
      return `${option.help} (default ${String(option.value)})`;
    case "optional":
      return option.help;
  }
}
