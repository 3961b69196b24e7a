import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { redactPayload } from "./payload-redaction";

test("no value of a payload gets through, whatever its shape", () => {
  // A value that no shape, type or length could be taken for.
  const secret = fc.stringMatching(/^Secret-[a-z]{8}$/);
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 9 },
      secret,
      fc.integer({ min: 1_000_000 }),
      fc.array(tie("tree"), { maxLength: 5 }),
      fc.dictionary(fc.constantFrom("upn", "mail", "values", "key"), tie("tree")),
    ),
  }));
  fc.assert(
    fc.property(tree, (payload) => {
      expect(redactPayload(JSON.stringify(payload))).not.toMatch(/Secret|\d{7}/);
    }),
  );
});

test("says what there was: types, lengths and names of columns", () => {
  const payload = JSON.stringify({ a: "abc", b: null, c: 1, d: [1, 2, 3, 4], e: { f: true } });
  expect(JSON.parse(redactPayload(payload))).toEqual({
    a: "text(3)",
    b: "null",
    c: "number",
    d: ["number", "number", "number", "… 1 more"],
    e: { f: "boolean" },
  });
});

test("text that is no JSON is only measured", () => {
  expect(redactPayload("upn=ada@contoso.example")).toBe("text(23)");
  expect(redactPayload("")).toBe("");
});
