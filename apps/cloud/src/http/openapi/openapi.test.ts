import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { type Route, routes } from "@postern/contracts";
import { Validator } from "@seriousme/openapi-schema-validator";
import { openApiDocument } from "./openapi";
import { openApiExamples } from "./openapi-examples";

const document = openApiDocument({
  version: "0.1.0",
  issuer: "the issuer that the branch is set to",
});
const table: readonly Route[] = routes;

describe("the OpenAPI document", () => {
  test("is accepted by a public validator as OpenAPI 3.1", async () => {
    const validator = new Validator();
    const result = await validator.validate(structuredClone(document));
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
    expect(validator.version).toBe("3.1");
  });

  test("is what docs/openapi.json holds; run npm run fix when it is not", () => {
    const file = path.join(__dirname, "../../../../../docs/openapi.json");
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(
      JSON.parse(JSON.stringify(document)) as unknown,
    );
  });

  test("has every route of the table, each with its roles, its parameters and its problems", () => {
    const paths = document["paths"] as Record<string, Record<string, Operation>>;
    for (const route of table) {
      const operation = paths[`/api/${route.path}`]?.[route.method.toLowerCase()];
      expect(operation?.operationId).toBe(route.operationId);
      for (const role of route.roles) expect(operation?.description).toContain(`\`${role}\``);
      const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const described = (operation?.parameters ?? []).filter((one) => one.in === "path");
      expect(described.map(({ name }) => name)).toEqual(inPath);
      expect(Object.keys(route.params?.shape ?? {})).toEqual(inPath);
      if (route.roles.length > 0)
        expect(Object.keys(operation?.responses ?? {})).toEqual(
          expect.arrayContaining(["400", "401", "403", "500", "503"]),
        );
    }
    expect(Object.values(paths).flatMap((path) => Object.keys(path))).toHaveLength(table.length);
  });

  test("resolves every reference within itself", () => {
    const text = JSON.stringify(document);
    const references = new Set(
      [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, at]) => at ?? ""),
    );
    expect(references.size).toBeGreaterThan(20);
    for (const reference of references) {
      const found = reference
        .split("/")
        .reduce<unknown>(
          (value, key) => (value as Record<string, unknown> | undefined)?.[key],
          document,
        );
      expect([reference, found]).not.toEqual([reference, undefined]);
    }
  });

  test("shows examples that its own schemas accept", () => {
    for (const [operationId, { request, response }] of Object.entries(openApiExamples) as [
      string,
      { request?: unknown; response?: unknown },
    ][]) {
      const route = table.find((one) => one.operationId === operationId);
      if (request !== undefined) expect(route?.body?.safeParse(request).error).toBeUndefined();
      const [success] = Object.values(route?.responses ?? {});
      if (response !== undefined)
        expect(success?.schema?.safeParse(response).error).toBeUndefined();
    }
  });
});

interface Operation {
  readonly operationId: string;
  readonly description: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, unknown>>;
}
