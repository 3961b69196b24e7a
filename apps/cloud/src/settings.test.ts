import { describe, expect, test } from "@jest/globals";
import { PosternError } from "@postern/contracts";
import { inspect } from "node:util";
import { loadSettings } from "./settings";

const good = {
  TENANT_ID: "e680703d-60ee-4fc2-8237-5ed5622a43f8",
  BRANCH: "oslo",
  WORKER_GROUPS: '[{"name":"main","targets":["hr-db"]}]',
  SYNC_SCHEDULE: "0 */5 * * * *",
  ServiceBusConnection: "Endpoint=sb://x;SharedAccessKeyName=a;SharedAccessKey=canary-key",
  COSMOS_ENDPOINT: "https://cosmos.example",
  KEY_VAULT_URL: "https://kv.example/",
  AUTH_ISSUER: "https://login.example/t/v2.0",
  AUTH_AUDIENCE: "api://postern",
};

function problemsOf(env: Record<string, string | undefined>): string[] {
  try {
    loadSettings(env);
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    expect(error.code).toBe("settings-invalid");
    return error.message.split("\n");
  }
  return [];
}

describe("settings", () => {
  test("are grouped, frozen, with defaults", () => {
    const settings = loadSettings(good, "vm-1");
    expect(settings).toMatchObject({
      instance: "vm-1",
      graph: {
        baseUrl: "https://graph.microsoft.com",
        scope: "https://graph.microsoft.com/.default",
      },
      cosmos: { key: null },
      keyVault: { url: "https://kv.example", disableChallengeResourceVerification: false },
      blob: null,
    });
    expect(Object.isFrozen(settings.groups[0]?.targets)).toBe(true);
  });

  test("report every problem at once, each with its name", () => {
    const problems = problemsOf({ BRANCH: "Not A Branch", COSMOS_ENDPOINT: "ftp://x" });
    for (const name of [
      "TENANT_ID",
      "BRANCH",
      "WORKER_GROUPS",
      "COSMOS_ENDPOINT",
      "KEY_VAULT_URL",
      "AUTH_ISSUER",
    ]) {
      expect(problems.some((problem) => problem.startsWith(`${name}:`))).toBe(true);
    }
  });

  test.each([
    [{ WORKER_GROUPS: "main" }, "WORKER_GROUPS: must be JSON"],
    [{ WORKER_GROUPS: '[{"name":"main","target":["x"]}]' }, "did you mean 'targets'?"],
    [{ WORKER_GROUPS: '[{"name":"main","targets":[]}]' }, "at least one target"],
    [{ ServiceBusConnection: undefined }, "ServiceBusConnection: set a connection string"],
    [{ COSMOS_ENDPOINT: "http://127.0.0.1:1" }, "COSMOS_KEY: is needed over http"],
    [{ GRAPH_BASE_URL: "http://graph.example" }, "GRAPH_BASE_URL: must be an https URL"],
    [{ KEY_VAULT_URL: undefined }, "KEY_VAULT_URL"],
    [{ KEY_VAULT_URL: "http://kv.example" }, "KEY_VAULT_URL: must be an https URL"],
    [{ KEY_VAULT_DISABLE_CHALLENGE_RESOURCE_VERIFICATION: "1" }, "must be true or false"],
    [{ IDENTITY_DISABLE_INSTANCE_DISCOVERY: "yes" }, "must be true or false"],
    [{ AUTH_ISSUER: "" }, "AUTH_ISSUER"],
  ])("%j is refused", (change, text) => {
    expect(problemsOf({ ...good, ...change }).join("\n")).toContain(text);
  });

  test("print no secret", () => {
    const settings = loadSettings({ ...good, COSMOS_KEY: "canary-key" });
    expect(JSON.stringify(settings) + inspect(settings, { depth: 9 })).not.toContain("canary-key");
  });
});
