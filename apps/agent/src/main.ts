#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import { type LogEvent, PosternError } from "@postern/contracts";
import { parseCommand, usage } from "./app/command-line";
import { createAgent } from "./app/create-agent";
import { type LoadedSettings, loadSettings } from "./app/settings";
import { version } from "./app/version";

/** The bundle next to this one. */
const threadProgram = path.join(__dirname, "target-thread.js");
const EXIT_FAULT = 1;
const EXIT_USAGE = 2;

function fail(text: string, code: number): never {
  process.stderr.write(`${text}\n`);
  process.exit(code);
}

function readSettings(config: string | undefined): LoadedSettings {
  let fileText = "";
  if (config !== undefined) {
    try {
      fileText = readFileSync(config, "utf8");
    } catch (error) {
      fail(
        `The settings file '${config}' cannot be read: ${error instanceof Error ? error.message : ""}`,
        EXIT_USAGE,
      );
    }
  }
  try {
    return loadSettings({
      env: process.env,
      fileText,
      readSecretFile: (path) => readFileSync(path, "utf8"),
      hostName: hostname(),
    });
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    return fail(`The settings are not valid:\n${error.message}`, EXIT_USAGE);
  }
}

function show({ shown }: LoadedSettings, json: boolean): void {
  if (json) {
    const entries = shown.map(({ path, value, source }) => [path, { value, source }]);
    process.stdout.write(`${JSON.stringify(Object.fromEntries(entries))}\n`);
    return;
  }
  const width = (key: "path" | "value"): number =>
    Math.max(...shown.map((setting) => setting[key].length));
  const [paths, values] = [width("path"), Math.min(60, width("value"))];
  for (const { path, value, source } of shown) {
    process.stdout.write(`${path.padEnd(paths)}  ${value.padEnd(values)}  ${source}\n`);
  }
}

async function run({ settings }: LoadedSettings, exitWithStdin: boolean): Promise<void> {
  const agent = await createAgent({ settings, threadProgram });
  let stopping = false;
  const stop = (reason: string): void => {
    // After a second signal the agent exits without draining. Nothing is lost: locks expire on their own.
    if (stopping) process.exit(EXIT_FAULT);
    stopping = true;
    void agent.stop(reason);
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
  if (exitWithStdin) {
    process.stdin.resume().on("end", () => stopping || stop("standard input closed"));
  }
  process.on("uncaughtException", (error) => fault(error));
  // The agent handles the rejections of its own promises. The rest come from SDK clients that it has already abandoned.
  process.on("unhandledRejection", (error) => {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const event: LogEvent = "rejection.unhandled";
    process.stderr.write(`${JSON.stringify({ level: 50, event, reason })}\n`);
  });
  agent.start();
  process.stdout.write(`${JSON.stringify({ ready: true, agent: settings.agentId })}\n`);
  try {
    await agent.ended;
  } catch (error) {
    await agent.stop("broken assumption");
    process.stderr.write(`${faultLine(error)}\n`);
    killIf(agent.hasThreads);
    process.exit(EXIT_FAULT);
  }
  killIf(agent.hasThreads);
  process.exit(0);
}

/**
 * `process.exit` waits for the threads of the process, and one may be blocked in a statement. What that statement wrote
 * is not committed.
 */
function killIf(hasThreads: boolean): void {
  if (hasThreads) process.kill(process.pid, "SIGKILL");
}

/** Writes the cause as the last line, which is what an operator reads first. */
function fault(error: unknown): never {
  return fail(faultLine(error), EXIT_FAULT);
}

function faultLine(error: unknown): string {
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const event: LogEvent = "agent.crashed";
  return JSON.stringify({ level: 60, event, reason });
}

async function main(): Promise<void> {
  const command = parseCommand(process.argv.slice(2));
  switch (command.kind) {
    case "help":
      return void process.stdout.write(usage);
    case "version":
      return void process.stdout.write(`${version}\n`);
    case "mistake":
      return fail(`${command.text}\n\n${usage}`, EXIT_USAGE);
    case "show":
      return show(readSettings(command.config), command.json);
    case "run":
      return run(readSettings(command.config), command.exitWithStdin);
  }
}

main().catch(fault);
