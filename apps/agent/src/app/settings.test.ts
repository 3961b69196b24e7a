import { describe, expect, test } from "@jest/globals";
import { PosternError, type FieldProblem } from "@postern/contracts";
import { inspect } from "node:util";
import { loadSettings, type SettingsInputs } from "./settings";

const good = `
agentId: vm-1
branch: oslo
tenant: 11111111-2222-3333-4444-555555555555
group: main
serviceBus:
  connectionString: Endpoint=sb://x;SharedAccessKeyName=a;SharedAccessKey=c2VjcmV0
cosmos:
  endpoint: https://cosmos.example
  key: cosmos-canary
api:
  baseUrl: https://api.example/api/
  scope: api://postern/.default
targets:
  hr-db:
    connector: sql
    url: postgres://user:canary-password@db/hr
`;
const files: Readonly<Record<string, string>> = { "/run/secrets/cosmos": "from-a-file\n" };

function inputs(
  change: (text: string) => string = (text) => text,
  env: Record<string, string> = {},
): SettingsInputs {
  return {
    env,
    fileText: change(good),
    hostName: "SRV-07",
    readSecretFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error(`no such file: ${path}`);
      return text;
    },
  };
}

function problemsOf(given: SettingsInputs): string[] {
  try {
    loadSettings(given);
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    expect(error.code).toBe("settings-invalid");
    const problems = error.details["problems"] as FieldProblem[];
    return problems.map(
      ({ field, problem, hint }) => `${field}: ${problem}${hint === undefined ? "" : ` (${hint})`}`,
    );
  }
  return [];
}

describe("settings that are valid", () => {
  test("are grouped, frozen, filled with defaults and normalised", () => {
    const { settings } = loadSettings(inputs());
    expect(settings).toMatchObject({
      agentId: "vm-1",
      api: { baseUrl: "https://api.example/api", timeoutMs: 8_000 },
      concurrency: { lanesPerTarget: 18, jobsInFlight: 1_000 },
      drain: { deadlineMs: 10_000 },
      lanes: { items: 500, heldMs: 5_000 },
      telemetry: { logLevel: "info", otlpEndpoint: null },
    });
    expect(settings.targets.map(({ name, connector }) => [name, connector])).toEqual([
      ["hr-db", "sql"],
    ]);
    expect(Object.isFrozen(settings.lanes)).toBe(true);
  });

  test("prefer the environment to the file and the file to the default, and show the source", () => {
    const env = {
      POSTERN_AGENT_ID: "vm-2",
      POSTERN_CONCURRENCY_LANES_PER_TARGET: "4",
      POSTERN_IDENTITY_DISABLE_INSTANCE_DISCOVERY: "true",
      POSTERN_TARGETS_HR_DB_URL: "sqlite:/tmp/hr.db",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318",
      PATH: "/usr/bin",
    };
    const { settings, shown } = loadSettings(inputs(undefined, env));
    expect(settings).toMatchObject({
      agentId: "vm-2",
      concurrency: { lanesPerTarget: 4 },
      identity: { disableInstanceDiscovery: true },
      telemetry: { otlpEndpoint: "http://127.0.0.1:4318" },
    });
    const sourceOf = (path: string): string | undefined =>
      shown.find((setting) => setting.path === path)?.source;
    expect(sourceOf("agentId")).toBe("environment POSTERN_AGENT_ID");
    expect(sourceOf("branch")).toBe("file");
    expect(sourceOf("drain.deadlineMs")).toBe("default");
    expect(sourceOf("targets.hr-db.url")).toBe("environment POSTERN_TARGETS_HR_DB_URL");
  });

  test("read secrets from files and never show one", () => {
    const given = inputs((text) =>
      text.replace("key: cosmos-canary", "keyFile: /run/secrets/cosmos"),
    );
    const { settings, shown } = loadSettings(given);
    expect(settings.cosmos.key?.reveal()).toBe("from-a-file");
    expect(shown.find(({ path }) => path === "cosmos.key")).toEqual({
      path: "cosmos.key",
      value: "[redacted]",
      source: "secret file /run/secrets/cosmos",
    });
    for (const text of [
      JSON.stringify(settings),
      inspect(settings, { depth: 9 }),
      JSON.stringify(shown),
    ]) {
      for (const secret of ["from-a-file", "c2VjcmV0", "canary-password"])
        expect(text).not.toContain(secret);
    }
  });

  test("name the agent after its host by default", () => {
    const { settings, shown } = loadSettings(inputs((text) => text.replace("agentId: vm-1\n", "")));
    expect(settings.agentId).toBe("srv-07");
    expect(shown[0]).toEqual({ path: "agentId", value: "srv-07", source: "host name" });
  });
});

describe("settings that are not valid", () => {
  const replace = (from: string, to: string) => (text: string) => text.replace(from, to);
  const cases: readonly [string, SettingsInputs, RegExp][] = [
    [
      "an unknown group of settings",
      inputs((text) => `${text}\nconcurency: {}\n`),
      /^\$\.concurency: unknown key \(did you mean 'concurrency'\?\)$/,
    ],
    [
      "an unknown key in a group",
      inputs((text) => `${text}\ndrain: { deadlineSeconds: 3 }\n`),
      /^\$\.drain\.deadlineSeconds: unknown key \(did you mean 'deadlineMs'\?\)$/,
    ],
    ["a missing branch", inputs(replace("branch: oslo\n", "")), /^\$\.branch: is missing$/],
    [
      "a missing group of settings",
      inputs(replace("cosmos:\n  endpoint: https://cosmos.example\n  key: cosmos-canary\n", "")),
      /^\$\.cosmos: is missing$/,
    ],
    [
      "a tenant that is no GUID",
      inputs(replace("11111111-2222-3333-4444-555555555555", "contoso")),
      /^\$\.tenant: must be a GUID$/,
    ],
    [
      "a group with capitals",
      inputs(replace("group: main", "group: Main")),
      /^\$\.group: must be lower-case/,
    ],
    ["an agent id with a space", inputs(replace("vm-1", "vm 1")), /^\$\.agentId: must be letters/],
    [
      "an endpoint that is no URL",
      inputs(replace("https://cosmos.example", "cosmos.example")),
      /^\$\.cosmos\.endpoint: must be an http or https URL$/,
    ],
    [
      "a key that is missing over http",
      inputs((text) =>
        text
          .replace("https://cosmos.example", "http://cosmos")
          .replace("  key: cosmos-canary\n", ""),
      ),
      /^\$\.cosmos\.key: is required over http/,
    ],
    [
      "two ways to Service Bus",
      inputs(
        replace(
          "serviceBus:\n",
          "serviceBus:\n  fullyQualifiedNamespace: x.servicebus.windows.net\n",
        ),
      ),
      /^\$\.serviceBus: give exactly one/,
    ],
    [
      "no way to Service Bus",
      inputs(
        replace(
          "connectionString: Endpoint=sb://x;SharedAccessKeyName=a;SharedAccessKey=c2VjcmV0",
          "acceptWaitMs: 2000",
        ),
      ),
      /^\$\.serviceBus: give exactly one/,
    ],
    [
      "more jobs than a heartbeat lists",
      inputs((text) => `${text}\nconcurrency: { jobsInFlight: 1001 }\n`),
      /^\$\.concurrency\.jobsInFlight: must be at most 1,?000/,
    ],
    [
      "lanes that are none",
      inputs((text) => `${text}\nconcurrency: { lanesPerTarget: 0 }\n`),
      /^\$\.concurrency\.lanesPerTarget: must be at least 1$/,
    ],
    [
      "a number that is text",
      inputs(undefined, { POSTERN_DRAIN_DEADLINE_MS: "10s" }),
      /^\$\.drain\.deadlineMs: must be a whole number from 100 to 300000$/,
    ],
    [
      "retries in the wrong order",
      inputs((text) => `${text}\nretry: { firstRetryMs: 9000, longestRetryMs: 1000 }\n`),
      /^\$\.retry\.longestRetryMs: must not be less/,
    ],
    [
      "an unknown connector",
      inputs(replace("connector: sql", "connector: sqll")),
      /^\$\.targets\.hr-db\.connector: there is no connector 'sqll'; there are: sql \(did you mean 'sql'\?\)$/,
    ],
    [
      "a target without a connector",
      inputs(replace("connector: sql", "kind: sql")),
      /^\$\.targets\.hr-db\.connector: is missing$/,
    ],
    [
      "a target url of an unknown kind",
      inputs(replace("postgres://user:canary-password@db/hr", "mysql://canary-password@x")),
      /^\$\.targets\.hr-db\.url: must be sqlite/,
    ],
    [
      "an unknown key of a target",
      inputs(replace("    url: postgres", "    pool: 3\n    url: postgres")),
      /^\$\.targets\.hr-db\.pool: unknown key/,
    ],
    [
      "a target name with an underscore",
      inputs(replace("hr-db:", "hr_db:")),
      /^\$\.targets\.hr_db: /,
    ],
    [
      "a secret file that is not there",
      inputs(replace("key: cosmos-canary", "keyFile: /nowhere")),
      /^\$\.cosmos\.keyFile: the file '\/nowhere' cannot be read$/,
    ],
    [
      "a secret twice",
      inputs(replace("key: cosmos-canary", "key: x\n  keyFile: /run/secrets/cosmos")),
      /^\$\.cosmos\.keyFile: give either this or key, not both$/,
    ],
    [
      "an unknown variable of ours",
      inputs(undefined, { POSTERN_AGENTID: "x" }),
      /^POSTERN_AGENTID: unknown setting in the environment \(did you mean 'POSTERN_AGENT_ID'\?\)$/,
    ],
    [
      "a log level of another library",
      inputs((text) => `${text}\ntelemetry: { logLevel: verbose }\n`),
      /^\$\.telemetry\.logLevel: must be debug, info/,
    ],
    ["text that is not YAML", inputs(() => "agentId: [vm-1"), /^\$: not YAML: line 1/],
    [
      "a list in the place of settings",
      inputs(() => "- a\n- b\n"),
      /^\$: must be a mapping of settings/,
    ],
    [
      "a key given twice",
      inputs((text) => `${text}\nbranch: bergen\n`),
      /^\$: not YAML: line \d+, column \d+: Map keys must be unique/,
    ],
    [
      "a bomb of aliases",
      inputs(
        () =>
          `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]\n`,
      ),
      /^\$: not YAML/,
    ],
  ];

  test.each(cases)("%s is reported with its field and the fix", (_, given, expected) => {
    const problems = problemsOf(given);
    expect(problems.filter((problem) => expected.test(problem))).toHaveLength(1);
    expect(problems.join()).not.toMatch(/canary|c2VjcmV0/);
  });

  test("all problems are reported together", () => {
    const given = inputs(
      (text) =>
        text
          .replace("group: main", "group: Main")
          .replace("oslo", "OSLO")
          .replace("connector: sql", "connector: x"),
      { POSTERN_NONSENSE: "1" },
    );
    expect(problemsOf(given)).toHaveLength(4);
  });
});
