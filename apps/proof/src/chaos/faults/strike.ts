/**
 * Ends or stops the process that it is loaded into, exactly at a named point of its work.
 *
 * Loaded with `--require` by a file that chaos writes (see strikes.ts); a bundle of its own, without the product. It
 * listens to the points that the product publishes. At each it looks for an order, one file; an order is taken (the
 * file is renamed) before it is carried out, so that the process, started again, does not meet it again. It also notes
 * the first time that the process brought something to its end. It never changes what the product does otherwise.
 */
import { subscribe } from "node:diagnostics_channel";
import { appendFileSync, readFileSync, renameSync, statSync } from "node:fs";

export interface StrikeOrder {
  readonly id: string;
  readonly point: string;
  /** The n-th time that the point is reached after the order was given. */
  readonly hit: number;
  readonly act: "kill" | "stop";
}

export type StrikeNote =
  | {
      readonly note: "struck";
      readonly id: string;
      readonly point: string;
      readonly pid: number;
      readonly at: number;
    }
  | {
      readonly note: "first-completion";
      readonly point: string;
      readonly pid: number;
      readonly startedAt: number;
      readonly at: number;
    };

export interface StrikePlace {
  readonly channels: readonly string[];
  readonly orderFile: string;
  readonly noteFile: string;
  /** Points at which something has come to its end; the first time of each is noted. */
  readonly completions: readonly string[];
}

export function listenForStrikes(place: StrikePlace): void {
  let hits = 0;
  let orderId = "";
  const awaited = new Set(place.completions);
  const note = (entry: StrikeNote): void =>
    appendFileSync(place.noteFile, `${JSON.stringify(entry)}\n`);
  const onPoint = (message: unknown): void => {
    const point = (message as { point: string }).point;
    if (awaited.delete(point)) {
      const startedAt = performance.timeOrigin;
      note({ note: "first-completion", point, pid: process.pid, startedAt, at: Date.now() });
    }
    if (statSync(place.orderFile, { throwIfNoEntry: false }) === undefined) return;
    let order: StrikeOrder;
    try {
      order = JSON.parse(readFileSync(place.orderFile, "utf8")) as StrikeOrder;
    } catch {
      return;
    }
    if (order.id !== orderId) {
      orderId = order.id;
      hits = 0;
    }
    if (order.point !== point) return;
    hits += 1;
    if (hits < order.hit) return;
    try {
      renameSync(place.orderFile, `${place.orderFile}.taken`);
    } catch {
      // Withdrawn, or taken by another thread of this process.
      return;
    }
    note({ note: "struck", id: order.id, point, pid: process.pid, at: Date.now() });
    process.kill(process.pid, order.act === "kill" ? "SIGKILL" : "SIGSTOP");
  };
  for (const channel of place.channels) subscribe(channel, onPoint);
}
