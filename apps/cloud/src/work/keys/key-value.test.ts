import { expect, test } from "@jest/globals";
import { Secret } from "@postern/contracts";
import { randomBytes } from "node:crypto";
import { readKeyValue } from "./key-value";

const good = randomBytes(32).toString("base64");

test("32 random bytes in base64 are a key", () => {
  expect(readKeyValue(new Secret(good))).toEqual({
    secret: new Uint8Array(Buffer.from(good, "base64")),
  });
});

test.each([
  ["nothing", "", "0 bytes"],
  ["a word", "hunter2!", "not base64"],
  ["a line break at its end", `${good}\n`, "not base64"],
  ["no padding", good.replace("=", ""), "not base64"],
  ["base64url", `${"_".repeat(43)}=`, "not base64"],
  ["bits behind its end", `${good.slice(0, 42)}B=`, /not base64|^$/],
  ["hexadecimal", randomBytes(32).toString("hex"), "48 bytes"],
  ["16 bytes", randomBytes(16).toString("base64"), "16 bytes"],
  ["33 bytes", randomBytes(33).toString("base64"), "33 bytes"],
  ["zeros", Buffer.alloc(32).toString("base64"), "not random"],
  [
    "a password of 32 letters",
    Buffer.from("passwordpasswordpasswordpassword").toString("base64"),
    "not random",
  ],
])("a value with %s is refused, and not quoted", (_, text, problem) => {
  const read = readKeyValue(new Secret(text));
  if (!("problem" in read)) throw new Error("it was taken for a key");
  expect(read.problem).toMatch(problem);
  if (text.length > 3) expect(read.problem).not.toContain(text.trim());
});
