import {
  agentPointChannel,
  agentSteps,
  cloudPointChannel,
  cloudSteps,
  type AgentPoint,
  type CloudPoint,
} from "@postern/contracts";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { ProcessExtras } from "../platform/local-platform";
import { workspaceRoot } from "../platform/workspace-root";
import type { StrikeNote, StrikeOrder, StrikePlace } from "./strike";

const sides = ["before", "after"] as const;
export const agentPoints: readonly AgentPoint[] = agentSteps.flatMap((step) =>
  sides.map((side) => `${side}-${step}` as const),
);
export const cloudPoints: readonly CloudPoint[] = cloudSteps.flatMap((step) =>
  sides.map((side) => `${side}-${step}` as const),
);

/** Orders to the product's processes to end or stop themselves at a point, and what they noted of it. */
export class Strikes {
  readonly #directory: string;
  readonly #script = path.join(workspaceRoot(), "apps/local/dist/chaos/strike.js");
  #orders = 0;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  /** What a process is started with so that it takes orders. */
  readonly extras = (name: string): ProcessExtras => {
    const place: StrikePlace = {
      channels: [agentPointChannel, cloudPointChannel],
      orderFile: this.#orderFile(name),
      noteFile: this.#noteFile(name),
      completion: name === "functions" ? "after-marker" : "after-settle",
    };
    const file = path.join(this.#directory, `${name}.cjs`);
    writeFileSync(
      file,
      `require(${JSON.stringify(this.#script)}).listenForStrikes(${JSON.stringify(place)});\n`,
    );
    return { nodeFlags: ["--require", file], environment: {} };
  };

  /** Gives an order; it waits until the process gets to the point. Answers its id. */
  order(name: string, order: Omit<StrikeOrder, "id">): string {
    this.#orders += 1;
    const id = `${name}-${this.#orders}`;
    const file = this.#orderFile(name);
    writeFileSync(`${file}.new`, JSON.stringify({ id, ...order }));
    renameSync(`${file}.new`, file);
    return id;
  }

  /** Takes an order back; false when it has been carried out. */
  withdraw(name: string): boolean {
    const file = this.#orderFile(name);
    if (!existsSync(file)) return false;
    rmSync(file, { force: true });
    return true;
  }

  notes(name: string): StrikeNote[] {
    const file = this.#noteFile(name);
    if (!existsSync(file)) return [];
    return readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as StrikeNote);
  }

  struck(name: string, id: string): boolean {
    return this.notes(name).some((entry) => entry.note === "struck" && entry.id === id);
  }

  #orderFile(name: string): string {
    return path.join(this.#directory, `${name}.order.json`);
  }

  #noteFile(name: string): string {
    return path.join(this.#directory, `${name}.notes.jsonl`);
  }
}
