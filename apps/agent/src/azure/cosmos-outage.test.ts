import { expect, test } from "@jest/globals";
import { outage } from "./cosmos-outage";

test("a throttled transaction counts as throttled, although the SDK wraps the response in another error", () => {
  const answer = Object.assign(new Error("Request rate is large"), {
    code: 429,
    retryAfterInMs: 1_250,
  });
  const wrapped = new Error(`Batch request error: ${answer.message}`, { cause: answer });
  expect(outage("writing the ledger", wrapped)).toMatchObject({
    service: "ledger",
    code: "throttled",
    retryAfterMs: 1_250,
  });
});

test("an error with a code is mapped by that code", () => {
  const refused = Object.assign(new Error("no"), { code: 403, cause: new Error("why") });
  expect(outage("reading the ledger", refused)).toMatchObject({ code: "refused" });
});
