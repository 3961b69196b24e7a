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
import { type ProcessExtras, workspaceRoot } from "@postern/local";
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
  readonly #scripts = path.join(workspaceRoot(), "apps/proof/dist/chaos/faults");
  readonly #endOnValue: string | undefined;
  #orders = 0;

  /** @param endOnValue a value that ends an agent which binds it to a statement; undefined: none does */
  constructor(directory: string, endOnValue: string | undefined) {
    this.#directory = directory;
    this.#endOnValue = endOnValue;
    mkdirSync(directory, { recursive: true });
  }

  /** Start options that make a process take orders. */
  readonly extras = (name: string): ProcessExtras => {
    const place: StrikePlace = {
      channels: [agentPointChannel, cloudPointChannel],
      orderFile: this.#orderFile(name),
      noteFile: this.#noteFile(name),
      completions: name === "functions" ? ["after-commit", "after-marker"] : ["after-settle"],
    };
    const file = path.join(this.#directory, `${name}.cjs`);
    const lines = [this.#call("strike.js", "listenForStrikes", place)];
    if (this.#endOnValue !== undefined && name.startsWith("agent"))
      lines.push(this.#call("end-on-value.js", "endOnValue", this.#endOnValue));
    writeFileSync(file, lines.join(""));
    return { nodeFlags: ["--require", file], environment: {} };
  };

  /** Gives an order, which waits until the process reaches the point. Returns its id. */
  order(name: string, order: Omit<StrikeOrder, "id">): string {
    this.#orders += 1;
    const id = `${name}-${this.#orders}`;
    const file = this.#orderFile(name);
    writeFileSync(`${file}.new`, JSON.stringify({ id, ...order }));
    renameSync(`${file}.new`, file);
    return id;
  }

  /** Withdraws an order. Returns false if it was already carried out. */
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

  #call(script: string, name: string, argument: unknown): string {
    const file = JSON.stringify(path.join(this.#scripts, script));
    return `require(${file}).${name}(${JSON.stringify(argument)});\n`;
  }

  #orderFile(name: string): string {
    return path.join(this.#directory, `${name}.order.json`);
  }

  #noteFile(name: string): string {
    return path.join(this.#directory, `${name}.notes.jsonl`);
  }
}
