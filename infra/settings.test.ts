import { beforeAll, describe, expect, test } from "@jest/globals";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { defaultBodyBytes, type Route, routes } from "@postern/contracts";
import { loadSettings } from "../apps/cloud/src/settings";
import { type BicepFile, descendants, readBicep, readBicepParameters } from "./bicep-file";

const templates = new Map<string, BicepFile>();
const template = (name: string): BicepFile => templates.get(name) ?? raise();

beforeAll(async () => {
  for (const name of ["main.bicep", "modules/functions.bicep"]) {
    templates.set(name, await readBicep(path.join(__dirname, name)));
  }
});

describe("settings of the function app", () => {
  /** Settings that only the Functions host reads. */
  const ofTheHost = [
    "AzureWebJobsStorage__accountName",
    "languageWorkers__node__arguments",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT",
  ];
  const examples: Readonly<Record<string, string>> = {
    ServiceBusConnection__fullyQualifiedNamespace: "sb.servicebus.windows.net",
    COSMOS_ENDPOINT: "https://cosmos.documents.azure.com:443/",
    KEY_VAULT_URL: "https://kv-ghent.vault.azure.net/",
    BLOB_ACCOUNT_URL: "https://st.blob.core.windows.net/",
    TENANT_ID: "6f9a1f0e-3f52-4c7d-9a55-0d9b7f4f2f10",
    BRANCH: "ghent",
    WORKER_GROUPS: '[{"name":"main","targets":["hr-db"]}]',
    SYNC_SCHEDULE: "0 */5 * * * *",
    AUTH_ISSUER: "https://login.microsoftonline.com/6f9a1f0e-3f52-4c7d-9a55-0d9b7f4f2f10/v2.0",
    AUTH_AUDIENCE: "api://postern",
    POSTERN_VERSION: "9.9.9",
  };
  const given = (): string[] => {
    const app = template("modules/functions.bicep").declared.get("app")?.node ?? raise();
    const list = [...descendants(app)].find(
      (node) => node.type === "object_property" && node.namedChildren[0]?.text === "appSettings",
    );
    return [...(list ?? raise()).text.matchAll(/name: '([^']+)'/g)].map(([, name = ""]) => name);
  };
  const outcome = (env: Readonly<Record<string, string>>): string => {
    try {
      return JSON.stringify(loadSettings(env));
    } catch (error) {
      return String(error);
    }
  };

  test("let the app start, without any key", () => {
    const settings = loadSettings(Object.fromEntries(given().flatMap((name) => pick(name))));
    expect(
      settings.serviceBus.connectionString ??
        settings.cosmos.key ??
        settings.blob?.connectionString,
    ).toBeNull();
  });

  test("let the host refuse a body that is larger than any route takes, and none that one takes", () => {
    const { text } = template("modules/functions.bicep").declared.get("app")?.node ?? raise();
    const limit = /name: 'FUNCTIONS_REQUEST_BODY_SIZE_LIMIT'\s+value: '(\d+)'/.exec(text)?.[1];
    const largest = routes.map((route: Route) => route.maxBodyBytes ?? defaultBodyBytes);
    expect(Number(limit)).toBe(Math.max(...largest));
  });

  test("are all read by the app or by its host", () => {
    expect(
      given()
        .filter((name) => !ofTheHost.includes(name))
        .toSorted(),
    ).toEqual(Object.keys(examples).toSorted());
    const whole = outcome(examples);
    for (const name of Object.keys(examples)) {
      const without = Object.fromEntries(
        Object.entries(examples).filter(([each]) => each !== name),
      );
      expect([name, outcome(without) === whole]).toEqual([name, false]);
    }
  });

  const pick = (name: string): [string, string][] => {
    const value = examples[name];
    return value === undefined ? [] : [[name, value]];
  };
});

describe("environments", () => {
  const environments = globSync("environments/*.bicepparam", { cwd: __dirname });

  test("exist", () => {
    expect(environments.length).toBeGreaterThan(1);
  });

  test.each(environments)("%s gives main.bicep what it needs and nothing else", async (name) => {
    const text = readFileSync(path.join(__dirname, name), "utf8");
    const { problems, declarations } = await readBicepParameters(path.join(__dirname, name));
    expect(problems).toEqual([]);
    expect(/^using '(.*)'$/m.exec(text)?.[1]).toBe("../main.bicep");
    const given = declarations.map((each) => each.name);
    const parameters = template("main.bicep").declarations.filter(
      ({ kind }) => kind === "parameter",
    );
    expect(
      given.filter((each) => !parameters.some((parameter) => parameter.name === each)),
    ).toEqual([]);
    expect(
      parameters.filter(({ required, name: each }) => required && !given.includes(each)),
    ).toEqual([]);
    expect(text).not.toMatch(/password|sharedaccesskey|accountkey/i);
  });
});

function raise(): never {
  throw new Error("the template lacks what this test looks at");
}
