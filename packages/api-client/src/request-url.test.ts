import { expect, test } from "@jest/globals";
import { UnsendableRequest } from "./api-errors";
import { pathOf, queryOf } from "./request-url";

const route = { path: "syncs/{id}/cycles/{cycleId}" };

test("a parameter stays one segment, whatever it holds", () => {
  expect(pathOf(route, { id: "a/../b?c#d", cycleId: "é %" })).toBe(
    "syncs/a%2F..%2Fb%3Fc%23d/cycles/%C3%A9%20%25",
  );
});

test.each(["", ".", "..", "\ud800"])("the parameter %j cannot be sent", (id) => {
  expect(() => pathOf(route, { id, cycleId: "c1" })).toThrow(UnsendableRequest);
});

test("a parameter that is missing cannot be sent", () => {
  expect(() => pathOf(route, { id: "a" })).toThrow("cycleId");
});

test("a query leaves out what is undefined", () => {
  expect(queryOf({ limit: 5, state: undefined, continuation: "a&b=c" })).toBe(
    "?limit=5&continuation=a%26b%3Dc",
  );
  expect(queryOf({ state: undefined })).toBe("");
});
