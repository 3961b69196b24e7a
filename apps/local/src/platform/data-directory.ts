import { randomBytes, randomUUID } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";

/** What stays the same from run to run: identities, secrets, and the addresses in stored links. */
const State = z.strictObject({
  tenantId: z.string(),
  secrets: z.strictObject({
    cosmosKey: z.string(),
    serviceBusKey: z.string(),
    cloudClient: z.string(),
    agentClient: z.string(),
    adminClient: z.string(),
  }),
  /** Addresses are kept because delta links, as Graph returns them, hold them. */
  ports: z.record(z.string(), z.int()),
  /** Worker groups and targets of every definition applied so far. */
  groups: z.record(z.string(), z.array(z.string())),
  targets: z.record(z.string(), z.string()),
  /** Whether a tenant has been loaded. */
  seeded: z.boolean(),
});
export type State = z.infer<typeof State>;

export class DataDirectoryError extends Error {
  override readonly name = "DataDirectoryError";
}

/** The directory that holds all state of one local platform. Only one platform uses it at a time. */
export class DataDirectory {
  readonly root: string;
  state: State;

  private constructor(root: string, state: State) {
    this.root = root;
    this.state = state;
  }

  /** Opens (or makes) the directory and takes its lock. */
  static open(directory: string | undefined): DataDirectory {
    const root = directory ?? mkdtempSync(path.join(tmpdir(), "postern-"));
    try {
      mkdirSync(root, { recursive: true });
    } catch (error) {
      throw new DataDirectoryError(
        `--data: cannot use ${root} (${error instanceof Error ? error.message : String(error)})`,
      );
    }
    takeLock(root);
    const file = path.join(root, "state.json");
    if (existsSync(file)) {
      const parsed = State.safeParse(parseJson(file));
      if (!parsed.success)
        throw new DataDirectoryError(
          `${file} is not in the format that earlier runs write: ${z.prettifyError(parsed.error)}`,
        );
      return new DataDirectory(root, parsed.data);
    }
    const fresh = new DataDirectory(root, newState());
    fresh.save();
    return fresh;
  }

  path(...parts: string[]): string {
    return path.join(this.root, ...parts);
  }

  /** A subdirectory, made if absent. */
  directory(name: string): string {
    const directory = this.path(name);
    mkdirSync(directory, { recursive: true });
    return directory;
  }

  /** Replaces a file atomically. Only its owner can read it, since most files hold secrets. */
  write(name: string, content: string): string {
    const file = this.path(name);
    writeFileSync(`${file}.new`, content, { mode: 0o600 });
    renameSync(`${file}.new`, file);
    return file;
  }

  save(): void {
    this.write("state.json", JSON.stringify(this.state, null, 2));
  }

  /** Releases the lock and removes the files that describe a running platform. */
  close(): void {
    rmSync(this.path("endpoints.json"), { force: true });
    rmSync(this.path("processes.json"), { force: true });
    rmSync(this.path("lock"), { force: true });
  }
}

function parseJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new DataDirectoryError(
      `${file} cannot be read (${error instanceof Error ? error.message : String(error)})`,
    );
  }
}

function newState(): State {
  const secret = (): string => randomBytes(32).toString("base64");
  return {
    tenantId: randomUUID(),
    secrets: {
      cosmosKey: randomBytes(64).toString("base64"),
      serviceBusKey: secret(),
      cloudClient: secret(),
      agentClient: secret(),
      adminClient: secret(),
    },
    ports: {},
    groups: {},
    targets: {},
    seeded: false,
  };
}

function takeLock(root: string): void {
  const lock = path.join(root, "lock");
  const ours = `${process.pid}\n`;
  try {
    writeFileSync(lock, ours, { flag: "wx" });
    return;
  } catch (error) {
    if (!existsSync(lock))
      throw new DataDirectoryError(
        `--data: cannot write to ${root} (${error instanceof Error ? error.message : String(error)})`,
      );
  }
  const holder = Number(readFileSync(lock, "utf8").trim());
  if (holder !== process.pid && isRunning(holder)) {
    throw new DataDirectoryError(
      `--data: ${root} is in use by another Postern (process ${holder}); stop it first, or choose another directory`,
    );
  }
  writeFileSync(lock, ours);
}

/** Programs that open a data directory: `npm start`, and the proof that starts the platform in its own process. */
const OWNERS = /apps\/(local|proof)\//;

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").match(OWNERS) !== null;
  } catch {
    return false;
  }
}
