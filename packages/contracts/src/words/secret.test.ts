import { expect, test } from "@jest/globals";
import { format, inspect } from "node:util";
import { Secret } from "./secret";

test("a secret shows in nothing that prints, only when it is asked for", () => {
  const secret = new Secret("hunter2");
  const printed = [
    String(secret),
    JSON.stringify({ secret }),
    inspect({ deep: { secret } }, { depth: 9, showHidden: true }),
    format("%s %o %O %j", secret, secret, secret, secret),
    [secret].join(),
    new Error("failed", { cause: secret }).cause,
    Object.values(secret).join(),
  ];
  expect(printed.join()).not.toContain("hunter2");
  expect(structuredClone({ secret }).secret).not.toHaveProperty("value");
  expect(secret.reveal()).toBe("hunter2");
});
