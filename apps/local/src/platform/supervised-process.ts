import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, readFileSync, type WriteStream } from "node:fs";
import { createInterface } from "node:readline";

/**
 * One child process of the local platform.
 *
 * States: starting → ready → (crashed → starting → ready)* → stopped. It is ready when it has printed its ready line. A
 * child that exits on its own is restarted, as a service manager would do. Children get a process group of
 * their own, so that Ctrl-C reaches only the platform, which stops them in order; each ends with its standard input, so
 * that none outlives the platform even when that is killed.
 */
export interface ProcessSpec {
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** The node that runs it; default: the one that runs this. */
  readonly node?: string | undefined;
  readonly nodeFlags?: readonly string[];
  /** False for a program that knows neither the ready line nor `--exit-with-stdin`: ready when `ready` resolves. */
  readonly announces?: boolean;
  /** Pauses before each start after an end; the last one stays. */
  readonly restartDelaysMs?: readonly number[];
  /** Called each time a child starts, including after a crash. */
  readonly onSpawn?: () => void;
}

export interface Ready {
  readonly endpoints: Readonly<Record<string, string>>;
  readonly control: string | undefined;
}

const READY_DEADLINE_MS = 30_000;
const RESTART_DELAYS_MS = [100, 250, 500, 1_000, 2_000];
const LOG_TAIL_LINES = 15;

export class ProcessFailure extends Error {
  override readonly name = "ProcessFailure";
}

export class SupervisedProcess {
  readonly spec: ProcessSpec;
  #child: ChildProcess | undefined;
  #log: WriteStream;
  #stopping = false;
  #restarts = 0;
  #ready: Promise<Ready>;

  constructor(spec: ProcessSpec) {
    this.spec = spec;
    this.#log = createWriteStream(spec.logFile, { flags: "a", mode: 0o600 });
    this.#ready = this.#start();
    this.#ready.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Resolves when the child is ready, also after a restart. */
  ready(): Promise<Ready> {
    return this.#ready;
  }

  /** Peak resident memory in bytes, 0 where the system does not tell. */
  peakRssBytes(): number {
    try {
      const status = readFileSync(`/proc/${this.pid ?? 0}/status`, "utf8");
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
    } catch {
      return 0;
    }
  }

  /** Asks the child to end and waits; ends it by force at the deadline. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child?.exitCode === null && child.signalCode === null) {
      const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), deadlineMs);
      await ended;
      clearTimeout(timer);
    }
    await new Promise<void>((resolve) => this.#log.end(resolve));
  }

  #start(): Promise<Ready> {
    const { spec } = this;
    const announces = spec.announces ?? true;
    const args = [
      ...(spec.nodeFlags ?? []),
      spec.script,
      ...spec.args,
      ...(announces ? ["--exit-with-stdin"] : []),
    ];
    const child = spawn(spec.node ?? process.execPath, args, {
      env: spec.environment,
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    this.#child = child;
    // Not immediately: during the first start no caller has this object yet.
    queueMicrotask(() => spec.onSpawn?.());
    child.stderr.pipe(this.#log, { end: false });
    child.stdin.on("error", () => undefined);
    return new Promise<Ready>((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill("SIGKILL");
        reject(
          new ProcessFailure(
            `${spec.name} was not ready within ${READY_DEADLINE_MS / 1000} s. ${this.#logTail()}`,
          ),
        );
      }, READY_DEADLINE_MS);
      if (!announces) {
        clearTimeout(timer);
        resolve({ endpoints: {}, control: undefined });
      }
      createInterface({ input: child.stdout }).on("line", (line) => {
        const ready = announces ? readyLine(line) : undefined;
        if (ready === undefined) {
          this.#log.write(`${line}\n`);
          return;
        }
        clearTimeout(timer);
        resolve(ready);
      });
      child.once("error", (error) =>
        reject(new ProcessFailure(`${spec.name} could not be started: ${error.message}`)),
      );
      child.once("exit", (code, signal) => {
        clearTimeout(timer);
        if (this.#stopping) return;
        this.#log.write(`-- ended (${signal ?? `code ${code}`})\n`);
        reject(
          new ProcessFailure(
            `${spec.name} ended (${signal ?? `code ${code}`}). ${this.#logTail()}`,
          ),
        );
        this.#scheduleRestart();
      });
    });
  }

  #scheduleRestart(): void {
    const delays = this.spec.restartDelaysMs ?? RESTART_DELAYS_MS;
    const delay = delays[Math.min(this.#restarts, delays.length - 1)] ?? 0;
    this.#restarts += 1;
    const restarted = new Promise<Ready>((resolve, reject) => {
      setTimeout(() => {
        if (this.#stopping) return;
        this.#start().then(resolve, reject);
      }, delay);
    });
    restarted.catch(() => undefined);
    this.#ready = restarted;
  }

  #logTail(): string {
    try {
      const lines = readFileSync(this.spec.logFile, "utf8")
        .trim()
        .split("\n")
        .slice(-LOG_TAIL_LINES);
      return `Its log (${this.spec.logFile}) ends with:\n  ${lines.join("\n  ")}`;
    } catch {
      return "";
    }
  }
}

function readyLine(line: string): Ready | undefined {
  if (!line.startsWith('{"ready":true')) return undefined;
  const parsed = JSON.parse(line) as { endpoints?: Record<string, string>; control?: string };
  return { endpoints: parsed.endpoints ?? {}, control: parsed.control };
}
