import { parseArgs } from "node:util";

export type Command =
  | { readonly kind: "run"; readonly config: string | undefined; readonly exitWithStdin: boolean }
  | { readonly kind: "show"; readonly config: string | undefined; readonly json: boolean }
  | { readonly kind: "version" }
  | { readonly kind: "help" }
  | { readonly kind: "mistake"; readonly text: string };

export const usage = `postern-agent: the worker of Postern on a machine inside the private network

  postern-agent run --config FILE        run until stopped by SIGTERM or SIGINT
  postern-agent config --show --config FILE
                                         print every effective setting and where it came from
  postern-agent --version | --help

  --config FILE      settings in YAML; POSTERN_… environment variables override it
  --exit-with-stdin  (run) drain and exit when standard input closes, so that no orphan outlives its parent
  --json             (config --show) print one JSON object

Exit codes: 0 after a drain, 1 after an internal fault, 2 for invalid settings or arguments.
`;

/** Parses the command line. Pure; every mistake gets its own message. */
export function parseCommand(args: readonly string[]): Command {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        config: { type: "string", short: "c" },
        show: { type: "boolean" },
        json: { type: "boolean" },
        version: { type: "boolean", short: "v" },
        help: { type: "boolean", short: "h" },
        "exit-with-stdin": { type: "boolean" },
      },
    });
  } catch (error) {
    return { kind: "mistake", text: error instanceof Error ? error.message : String(error) };
  }
  const { values, positionals } = parsed;
  if (values.help === true) return { kind: "help" };
  if (values.version === true) return { kind: "version" };
  const [command, ...rest] = positionals;
  if (rest.length > 0) return { kind: "mistake", text: `unexpected argument '${rest[0]}'` };
  switch (command) {
    case "run":
      return {
        kind: "run",
        config: values.config,
        exitWithStdin: values["exit-with-stdin"] === true,
      };
    case "config":
      if (values.show !== true) return { kind: "mistake", text: "config needs --show" };
      return { kind: "show", config: values.config, json: values.json === true };
    case undefined:
      return { kind: "mistake", text: "a command is needed: run or config" };
    default:
      return { kind: "mistake", text: `unknown command '${command}': run or config` };
  }
}
