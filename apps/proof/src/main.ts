import { explained, interruption } from "@postern/local";

interface Command {
  readonly usage: string;
  /** Returns the exit code. */
  readonly run: (argv: readonly string[]) => Promise<number>;
}

/** Each command is loaded only when used: they need different packages. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  bench: async () => {
    const { bench, benchUsage } = await import("./bench/bench");
    return { usage: benchUsage, run: (argv) => bench(argv, process.env) };
  },
  simulate: async () => {
    const { simulate, simulateUsage } = await import("./simulation/simulate");
    return { usage: simulateUsage, run: simulate };
  },
  chaos: async () => {
    const { chaos } = await import("./chaos/chaos");
    const { chaosUsage } = await import("./chaos/chaos-options");
    const callerDirectory = process.env["INIT_CWD"] ?? process.cwd();
    return {
      usage: chaosUsage,
      run: (argv) => chaos(argv, process.env, callerDirectory, interruption()),
    };
  },
};

async function main(): Promise<number> {
  const [name = "", ...argv] = process.argv.slice(2);
  const load = commands[name];
  if (load === undefined) {
    process.stderr.write(
      `Unknown command '${name}'. Commands: ${Object.keys(commands).join(", ")}.\n`,
    );
    return 1;
  }
  const { usage, run } = await load();
  try {
    return await run(argv);
  } catch (error) {
    process.stderr.write(`\n${explained(error, usage)}\n`);
    return 1;
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`\n${explained(error, "")}\n`);
    process.exit(1);
  },
);
