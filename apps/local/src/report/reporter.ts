/** What `npm start` shows. Progress goes to stderr, so that stdout carries only results. */
import type { CycleView } from "@postern/contracts";
import type { Formatter } from "picocolors/types";
import pc from "picocolors";
import { count, duration, megabytes, plural } from "./figures";
import { LiveRegion } from "./live-region";

const processLabels: Readonly<Record<string, string>> = {
  "service-bus": "Service Bus",
  cosmos: "Cosmos DB",
  entra: "Entra issuer",
  graph: "Graph",
  "key-vault": "Key Vault",
  blob: "Blob (Azurite)",
  functions: "Functions",
  agent: "Agent",
};

const BAR_WIDTH = 28;
const RATE_WINDOW_MS = 3_000;

export interface Whereabouts {
  readonly data: string;
  readonly target: string;
  readonly functions: string;
  readonly graph: string;
}

export interface Costs {
  readonly graphRequests: number;
  readonly serviceBusOperations: number;
  readonly cosmosRequests: number;
}

export class Reporter {
  readonly #region: LiveRegion;
  readonly #colours: ReturnType<typeof pc.createColors>;
  readonly #processes = new Map<string, number | undefined>();
  /** What waiting items have been said to wait for. */
  readonly #told = new Set<string>();
  #samples: { at: number; done: number }[] = [];

  constructor(out: NodeJS.WriteStream, coloured: boolean) {
    this.#region = new LiveRegion(out);
    this.#colours = pc.createColors(coloured);
  }

  title(): void {
    const { bold, dim } = this.#colours;
    this.#region.print(
      `\n${bold("Postern")} on this machine ${dim("- emulators stand in for Azure: for development, tests and demos")}\n`,
    );
  }

  note(text: string): void {
    this.#region.print(text);
  }

  process(name: string, state: "starting" | "ready", tookMs: number): void {
    this.#processes.set(name, state === "ready" ? tookMs : undefined);
    if (!this.#region.interactive) return;
    const { green, dim } = this.#colours;
    const lines = [...this.#processes].map(([each, took]) => {
      const label = (processLabels[each] ?? each).padEnd(16);
      return took === undefined
        ? `  ${dim("·")} ${dim(label)}`
        : `  ${green("✔")} ${label}${dim(duration(took))}`;
    });
    this.#region.paint(lines);
  }

  ready(tookMs: number): void {
    const { green } = this.#colours;
    this.#region.clear();
    const names = [...this.#processes.keys()].map((name) => processLabels[name] ?? name);
    this.#region.print(`  ${green("✔")} Ready in ${duration(tookMs)}: ${names.join(", ")}`);
  }

  progress(definition: string, view: CycleView): void {
    const { bold, cyan, dim } = this.#colours;
    const done = view.enqueued - view.pending;
    const enumerated = Object.values(view.streams).every((state) => state === "done");
    const rate = this.#rate(done);
    const share = view.enqueued === 0 ? 0 : done / view.enqueued;
    const filled = Math.round(share * BAR_WIDTH);
    const bar = `${cyan("█".repeat(filled))}${dim("░".repeat(BAR_WIDTH - filled))}`;
    const eta = enumerated && rate > 0 ? ` · ${duration((view.pending / rate) * 1_000)} to go` : "";
    const soFar = enumerated ? "" : " so far";
    this.#region.paint([
      `  ${bold(definition)} ${view.kind} cycle · ${count(view.read)} read from Graph${enumerated ? "" : ", reading on"}`,
      `  ${bar} ${count(done)} of ${count(view.enqueued)} items${soFar} · ${count(rate)}/s${eta}`,
      `  ${dim(this.#outcomes(view, "no outcomes yet"))}`,
    ]);
    this.#waits(view);
  }

  /** What items wait for, in lasting lines: once for each item and reason. */
  #waits(view: CycleView): void {
    for (const { entity, reason } of view.waitingFor) {
      const text = `${entity.type}:${entity.id} waits: ${reason}`;
      if (this.#told.has(text)) continue;
      this.#told.add(text);
      this.#region.print(`  ${this.#colours.yellow("…")} ${text}`);
    }
  }

  /** A finished cycle, in one or two lasting lines. */
  finished(definition: string, view: CycleView): void {
    const { bold, green, yellow, red } = this.#colours;
    const failed = view.deadLettered + view.outcomeUnknown;
    const mark: Formatter = failed > 0 ? red : view.held > 0 ? yellow : green;
    const rate =
      view.durationMs > 0 && view.enqueued >= 100
        ? ` (${count((view.enqueued / view.durationMs) * 1_000)} items/s)`
        : "";
    this.#samples = [];
    this.#region.clear();
    this.#region.print(
      `  ${mark(failed > 0 ? "✖" : view.held > 0 ? "‖" : "✔")} ${bold(definition)} ${view.kind} cycle: ${this.#outcomes(view)} in ${duration(view.durationMs)}${rate}`,
    );
  }

  problem(text: string): void {
    const { red } = this.#colours;
    this.#region.print(`  ${red("✖")} ${text.split("\n").join("\n    ")}`);
  }

  summary(options: {
    tables: readonly { object: string; rows: number }[];
    costs: Costs;
    items: number;
    memory: readonly { name: string; bytes: number }[];
    where: Whereabouts;
    following: boolean;
  }): void {
    const { bold, dim } = this.#colours;
    const label = (text: string): string => `  ${dim(text.padEnd(10))}`;
    const { graphRequests, serviceBusOperations, cosmosRequests } = options.costs;
    const perItem =
      options.items > 0 ? ` (${(cosmosRequests / options.items).toFixed(2)} per item)` : "";
    const lines = [
      "",
      `  ${bold("In step.")} ${options.tables.map(({ object, rows }) => `${object} ${count(rows)}`).join(" · ")}`,
      "",
      `${label("Cost")}${plural(graphRequests, "Graph request")} · ${plural(serviceBusOperations, "Service Bus operation")} · ${plural(cosmosRequests, "Cosmos request")}${perItem}`,
      `${label("Memory")}${options.memory.map(({ name, bytes }) => `${(processLabels[name] ?? name).toLowerCase()} ${megabytes(bytes)}`).join(" · ")} (peak)`,
      `${label("Target")}${options.where.target}`,
      `${label("API")}${options.where.functions}/api ${dim("(interface: /api/openapi.json)")}`,
      `${label("Graph")}${options.where.graph}/v1.0`,
      `${label("Data")}${options.where.data} ${dim("(addresses and tokens: endpoints.json, logs: logs/)")}`,
      "",
      ...(options.following
        ? [`  Following changes every second. ${dim("Ctrl-C stops everything.")}`, ""]
        : []),
    ];
    this.#region.print(lines.join("\n"));
  }

  stopping(): void {
    this.#region.clear();
    this.#region.print(`\n  ${this.#colours.dim("Stopping ...")}`);
  }

  #outcomes(view: CycleView, none = "nothing to do"): string {
    const parts: [number, string][] = [
      [view.applied, "applied"],
      [view.unchanged, "unchanged"],
      [view.superseded, "superseded"],
      [view.held, "held"],
      [view.waiting, "waiting"],
      [view.cancelled, "cancelled"],
      [view.deadLettered, "dead-lettered"],
      [view.outcomeUnknown, "outcome unknown"],
    ];
    const shown = parts
      .filter(([value]) => value > 0)
      .map(([value, text]) => `${count(value)} ${text}`);
    return shown.length === 0 ? none : shown.join(" · ");
  }

  /** Items a second over the last few seconds. */
  #rate(done: number): number {
    const now = performance.now();
    this.#samples.push({ at: now, done });
    this.#samples = this.#samples.filter(({ at }) => now - at <= RATE_WINDOW_MS);
    const first = this.#samples[0];
    if (first === undefined || now - first.at < 100) return 0;
    return Math.max(0, ((done - first.done) / (now - first.at)) * 1_000);
  }
}
