import { explained } from "./explained";
import { interruption } from "./interruption";
import { parseOptions, usage } from "./options";
import { exitCodes, StalledError, start } from "./start";

async function main(): Promise<number> {
  const [, ...argv] = process.argv.slice(2);
  const callerDirectory = process.env["INIT_CWD"] ?? process.cwd();
  const options = parseOptions(argv, callerDirectory);
  if (options === "help") {
    process.stdout.write(`${usage}\n`);
    return exitCodes.ok;
  }
  return start(options, process.env, interruption());
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`\n${explained(error, usage)}\n`);
    process.exit(error instanceof StalledError ? exitCodes.itemsFailed : exitCodes.refused);
  },
);
