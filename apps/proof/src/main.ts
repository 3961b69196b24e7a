import { explained, interruption, OptionsError } from "@postern/local";

async function main(): Promise<number> {
  const [command, ...argv] = process.argv.slice(2);
  const callerDirectory = process.env["INIT_CWD"] ?? process.cwd();
  if (command === "bench") {
    const { bench } = await import("./bench/bench");
    return bench(argv, process.env);
  }
  if (command === "simulate") {
    const { simulate } = await import("./simulation/simulate");
    return simulate(argv);
  }
  const { chaos, chaosUsage } = await import("./chaos/chaos");
  try {
    return await chaos(argv, process.env, callerDirectory, interruption());
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    process.stderr.write(`\n${error.message}\n\n${chaosUsage}\n`);
    return 1;
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`\n${explained(error)}\n`);
    process.exit(1);
  },
);
