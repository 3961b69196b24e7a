import path from "node:path";
import type { DataDirectory } from "./data-directory";
import { freePort } from "./free-port";
import type { PlatformOptions } from "./platform-options";
import { type ProcessSpec, SupervisedProcess } from "./supervised-process";
import { workspaceRoot } from "./workspace-root";

/** A program of one of the emulators. */
export const emulatorProgram = (emulator: string): string =>
  path.join(workspaceRoot(), "packages/emulators", emulator, "dist/cli.js");

/** The processes of one local platform, the ports that they listen on, and what each of them inherits. */
export class PlatformProcesses {
  readonly all = new Map<string, SupervisedProcess>();
  readonly #options: PlatformOptions;
  readonly #data: DataDirectory;

  constructor(options: PlatformOptions) {
    this.#options = options;
    this.#data = options.data;
  }

  async choosePorts(names: readonly string[]): Promise<void> {
    for (const name of names)
      this.#data.state.ports[name] = await freePort(this.#data.state.ports[name]);
    this.#data.save();
  }

  port(name: string): number {
    const port = this.#data.state.ports[name];
    if (port === undefined) throw new Error(`no port was chosen for ${name}`);
    return port;
  }

  /** What every child inherits: a search path and the cache of compiled code, not the caller's settings. */
  environment(): Record<string, string> {
    const inherited = [
      "PATH",
      "HOME",
      "LANG",
      "TMPDIR",
      "NODE_COMPILE_CACHE",
      "OTEL_EXPORTER_OTLP_ENDPOINT",
    ];
    return Object.fromEntries(
      inherited.flatMap((name) =>
        this.#options.environment[name] === undefined
          ? []
          : [[name, this.#options.environment[name]]],
      ),
    );
  }

  emulator(
    name: string,
    folder: string,
    portName: string,
    args: readonly string[],
  ): SupervisedProcess {
    return this.start(name, {
      script: emulatorProgram(folder),
      args: [
        "--port",
        String(this.port(portName)),
        "--control-port",
        "0",
        "--data",
        this.#data.directory(name),
        ...args,
      ],
      environment: this.environment(),
    });
  }

  start(name: string, spec: Omit<ProcessSpec, "name" | "logFile">): SupervisedProcess {
    const began = performance.now();
    this.#options.onProcess?.(name, "starting", 0);
    const onSpawn = (): void => this.#writeIds();
    const child = new SupervisedProcess({
      ...spec,
      ...(this.#options.restartDelaysMs === undefined
        ? {}
        : { restartDelaysMs: this.#options.restartDelaysMs }),
      name,
      onSpawn,
      logFile: path.join(this.#data.directory("logs"), `${name}.log`),
    });
    this.all.set(name, child);
    child.ready().then(
      () => this.#options.onProcess?.(name, "ready", performance.now() - began),
      () => undefined,
    );
    return child;
  }

  /** Azurite speaks neither the ready line nor our stop; nothing on the way to ready waits for it. */
  azurite(): { connectionString: string } {
    const port = this.port("blob");
    const account = "devstoreaccount1";
    const key = Buffer.from(this.#data.state.secrets.cosmosKey, "base64").toString("base64");
    this.start("blob", {
      script: require.resolve("azurite/dist/src/blob/main.js"),
      args: [
        "--location",
        this.#data.directory("blob"),
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
        String(port),
        "--silent",
        "--skipApiVersionCheck",
        "--disableTelemetry",
      ],
      environment: { ...this.environment(), AZURITE_ACCOUNTS: `${account}:${key}` },
      announces: false,
    });
    return {
      connectionString: `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=http://127.0.0.1:${port}/${account};`,
    };
  }

  /** `processes.json`: the process id of each part, kept up to date through restarts. */
  #writeIds(): void {
    const ids = Object.fromEntries([...this.all].map(([name, { pid }]) => [name, pid]));
    this.#data.write("processes.json", `${JSON.stringify(ids, null, 2)}\n`);
  }
}
