import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { buildSync } from "esbuild";
import {
  startFunctionsHost,
  type FunctionsHost,
  type FunctionsHostOptions,
  type LogEntry,
} from "../src/index";

const FIXTURES = {
  "http-app": require.resolve("./fixtures/http-app"),
  "hooks-app": require.resolve("./fixtures/hooks-app"),
  "timer-app": require.resolve("./fixtures/timer-app"),
  "service-bus-app": require.resolve("./fixtures/service-bus-app"),
};

export interface FixtureApp {
  readonly directory: string;
  /** A directory for the host's own state. */
  readonly data: string;
  /** Everything logged since the app was made. */
  readonly log: LogEntry[];
  start(options?: Partial<FunctionsHostOptions>): Promise<FunctionsHost>;
  remove(): Promise<void>;
}

/** Bundles a fixture as a deployment would, next to a host.json, and starts hosts on it. */
export function fixtureApp(fixture: keyof typeof FIXTURES, hostJson: object = {}): FixtureApp {
  const root = mkdtempSync(path.join(tmpdir(), "functions-host-"));
  const directory = path.join(root, "app");
  mkdirSync(directory);
  buildSync({
    entryPoints: [FIXTURES[fixture]],
    outfile: path.join(directory, "main.js"),
    bundle: true,
    platform: "node",
    format: "cjs",
    external: ["@azure/functions-core"],
    logLevel: "error",
  });
  writeFileSync(path.join(directory, "package.json"), JSON.stringify({ main: "main.js" }));
  writeFileSync(path.join(directory, "host.json"), JSON.stringify({ version: "2.0", ...hostJson }));
  const log: LogEntry[] = [];
  const hosts: FunctionsHost[] = [];
  return {
    directory,
    data: path.join(root, "data"),
    log,
    start: async (options = {}) => {
      const host = await startFunctionsHost({
        app: directory,
        log: (entry) => log.push(entry),
        ...options,
      });
      hosts.push(host);
      return host;
    },
    remove: async () => {
      await Promise.all(hosts.map((host) => host.close()));
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/**
 * Asks until the answer is there. The bound only keeps a failing test from hanging: it is longer than the try time-out
 * of 10 s that the SDK may wait for the answer of a connection that was lost under it.
 */
export async function eventually<T>(
  what: string,
  ask: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + 25_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** What keeps this process alive at the moment, by kind, to compare before and after. */
export function openHandles(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((kind) => /TCP|Timeout|Immediate/.test(kind))
    .sort();
}
