#!/usr/bin/env node
import { homedir } from "node:os";
import { runProgram } from "./program";
import type { Terminal } from "./terminal";

const { env, stdin, stdout, stderr } = process;

/** Any value but the empty one turns colours off (https://no-color.org). */
const noColour = (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";

function columns(): number | undefined {
  if (stdout.isTTY) return stdout.columns;
  const given = Number(env["COLUMNS"]);
  return Number.isInteger(given) && given >= 20 ? given : undefined;
}

const terminal: Terminal = {
  stdout,
  stderr,
  stdin,
  interactive: stdin.isTTY && stderr.isTTY,
  rewritable: stderr.isTTY && env["TERM"] !== "dumb",
  colours: stdout.isTTY && !noColour,
  stderrColours: stderr.isTTY && !noColour,
  columns: columns(),
  env,
  now: () => Date.now(),
  home: homedir(),
};

// `postern … | head` is not an error.
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

// Nobody may be reading stderr any more; the command and its exit code still matter.
stderr.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

/** Connections that are still open keep the process alive no longer than this. */
const LINGER_MS = 2_000;

void runProgram(process.argv.slice(2), terminal).then(async (exitCode) => {
  process.exitCode = exitCode;
  await Promise.all([written(stdout), written(stderr)]);
  setTimeout(() => process.exit(), LINGER_MS).unref();
});

/** Settles once all output is written, so that a slow reader of a pipe gets all of it. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write("", () => {
      resolve();
    });
  });
}
