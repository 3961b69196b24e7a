import { type PlatformApi, platformApi } from "./platform-api";
import type { Endpoints, PlatformOptions, Tokens } from "./platform-options";
import { PlatformStarter } from "./platform-starter";
import type { SupervisedProcess } from "./supervised-process";

const TOKEN_REFRESH_MS = 30 * 60_000;
/** The agent gives back what it holds before this; after it, it is ended by force. */
const AGENT_STOP_MS = 2_800;
const EMULATOR_STOP_MS = 1_500;

/**
 * The whole platform on one machine: emulators, functions host and agent as processes of their own, wired by nothing
 * but endpoints and credentials. The product inside is the same as in Azure.
 */
export class LocalPlatform {
  readonly api: PlatformApi;
  endpoints: Endpoints;
  readonly processes: ReadonlyMap<string, SupervisedProcess>;
  readonly #options: PlatformOptions;
  readonly #starter: PlatformStarter;
  readonly #refresh: NodeJS.Timeout;

  private constructor(
    options: PlatformOptions,
    starter: PlatformStarter,
    endpoints: Endpoints,
    tokens: () => Promise<Tokens>,
  ) {
    this.#options = options;
    this.#starter = starter;
    this.processes = starter.processes;
    this.endpoints = endpoints;
    this.api = platformApi(endpoints.functions, () => this.endpoints.token);
    this.#writeEndpoints();
    this.#refresh = setInterval(() => {
      tokens().then(
        (fresh) => {
          this.endpoints = { ...this.endpoints, ...fresh };
          this.#writeEndpoints();
        },
        // The token in force stays valid for half an hour more: the next round tries again.
        () => undefined,
      );
    }, TOKEN_REFRESH_MS);
    this.#refresh.unref();
  }

  static async start(options: PlatformOptions): Promise<LocalPlatform> {
    const starter = new PlatformStarter(options);
    try {
      const { endpoints, tokens } = await starter.start();
      return new LocalPlatform(options, starter, endpoints, tokens);
    } catch (error) {
      await stopAll(starter.processes);
      throw error;
    }
  }

  /** Where each process writes its log. */
  get logDirectory(): string {
    return this.#options.data.path("logs");
  }

  /** Counters of one emulator since it started. */
  async stats(name: string): Promise<Record<string, number>> {
    const ready = await this.processes.get(name)?.ready();
    if (ready?.control === undefined) return {};
    const response = await fetch(`${ready.control}/stats`);
    return (await response.json()) as Record<string, number>;
  }

  /** Injects a fault into one emulator (see the kit's `faults.ts`). */
  async arm(name: string, fault: Readonly<Record<string, unknown>>): Promise<void> {
    const ready = await this.processes.get(name)?.ready();
    if (ready?.control === undefined) throw new Error(`${name} does not accept faults`);
    const body = JSON.stringify(fault);
    const response = await fetch(`${ready.control}/faults`, { method: "POST", body });
    if (!response.ok) throw new Error(`${name} refuses the fault: ${await response.text()}`);
  }

  /** Ends every fault of one emulator. */
  async disarm(name: string): Promise<void> {
    const ready = await this.processes.get(name)?.ready();
    if (ready?.control !== undefined) await fetch(`${ready.control}/faults`, { method: "DELETE" });
  }

  /** One more agent, or one that was stopped. */
  async startAgent(name: string): Promise<void> {
    await this.#starter.startAgent(name).ready();
  }

  /** Lets an agent drain and leave. */
  async stopAgent(name: string): Promise<void> {
    await this.processes.get(name)?.stop(AGENT_STOP_MS);
  }

  /** Stops everything: first those that write, then what they write to. */
  async stop(): Promise<void> {
    clearInterval(this.#refresh);
    await stopAll(this.processes);
    this.#options.data.close();
  }

  #writeEndpoints(): void {
    this.#options.data.write("endpoints.json", `${JSON.stringify(this.endpoints, null, 2)}\n`);
  }
}

async function stopAll(processes: ReadonlyMap<string, SupervisedProcess>): Promise<void> {
  const writers = [...processes.keys()].filter((name) => /^(agent|functions)/.test(name));
  const stop = (name: string, deadlineMs: number): Promise<void> =>
    processes.get(name)?.stop(deadlineMs) ?? Promise.resolve();
  await Promise.all(writers.map((name) => stop(name, AGENT_STOP_MS)));
  await Promise.all(
    [...processes.keys()]
      .filter((name) => !writers.includes(name))
      .map((name) => stop(name, EMULATOR_STOP_MS)),
  );
}
