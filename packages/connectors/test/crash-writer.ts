// Runs as a separate process that a test kills: applies versions of the same 30 people, batch after batch, to the
// SQLite file named on the command line, and prints each version before it writes it.
import { person } from "../src/conformance";
import { sqlConnector } from "../src/index";

async function write(file: string, firstVersion: number, threadProgram: string): Promise<void> {
  const target = sqlConnector.open(sqlConnector.parseSettings({ url: `sqlite:${file}` }), {
    name: "hr-db",
    sqliteThreadProgram: threadProgram,
  });
  const { signal } = new AbortController();
  for (let version = firstVersion; ; version += 1) {
    process.stdout.write(`${version}\n`);
    const batch = Array.from({ length: 30 }, (_, index) =>
      person(`p${index}`, version, { age: version }),
    );
    const results = await target.apply(batch, { signal });
    if (results.some((result) => result.outcome === "failed"))
      throw new Error(JSON.stringify(results[0]));
  }
}

void write(process.argv[2] ?? "", Number(process.argv[3]), process.argv[4] ?? "");
