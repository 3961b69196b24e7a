/**
 * Ends the process that it is loaded into as soon as a statement binds a certain value: what a fault in a driver's
 * native code does. Loaded with `--require` by a file that chaos writes; a bundle of its own, without the product.
 */
import { StatementSync } from "node:sqlite";

export function endOnValue(value: string): void {
  for (const name of ["run", "get", "all"] as const) {
    const original = Reflect.get(StatementSync.prototype, name) as (
      ...values: unknown[]
    ) => unknown;
    Reflect.set(
      StatementSync.prototype,
      name,
      function (this: StatementSync, ...values: unknown[]): unknown {
        if (values.some((each) => typeof each === "string" && each.includes(value)))
          process.kill(process.pid, "SIGKILL");
        return original.apply(this, values);
      },
    );
  }
}
