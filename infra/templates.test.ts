import { beforeAll, describe, expect, test } from "@jest/globals";
import {
  agentRights,
  cloudRights,
  containers,
  GroupName,
  type Right,
  TargetName,
} from "@postern/contracts";
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import {
  type BicepFile,
  type Declaration,
  parseBicep,
  propertiesOf,
  readBicep,
} from "./bicep-file";
import { topologyData } from "./topology-data";

const names = ["main.bicep", ...globSync("modules/*.bicep", { cwd: __dirname }).toSorted()];
const json = (file: string): unknown =>
  JSON.parse(readFileSync(path.join(__dirname, file), "utf8"));
const files = new Map<string, BicepFile>();
const file = (name: string): BicepFile => {
  const found = files.get(name);
  if (!found) throw new Error(`there is no template ${name}`);
  return found;
};
const resources = (): (Declaration & { readonly file: string })[] =>
  [...files].flatMap(([name, { declarations }]) =>
    declarations.filter(({ kind }) => kind === "resource").map((each) => ({ ...each, file: name })),
  );

beforeAll(async () => {
  for (const name of names) files.set(name, await readBicep(path.join(__dirname, name)));
});

describe.each(names)("%s", (name) => {
  test("is parsed without an error", () => {
    expect(file(name).problems).toEqual([]);
  });

  test("uses only declared names, declares each once, and uses all of them", () => {
    const { unresolved, unused, declarations } = file(name);
    expect(unresolved).toEqual([]);
    expect(unused).toEqual([]);
    const declared = declarations.map((each) => each.name);
    expect(declared).toEqual([...new Set(declared)]);
  });

  test("avoids what the parser cannot judge, and functions that read secrets", () => {
    const text = readFileSync(path.join(__dirname, name), "utf8");
    expect(text).not.toMatch(/^\s*\.\.\.|^extension |resourceInput</m);
    expect(text).not.toMatch(/\blist[A-Z]\w*\(|\.list[A-Z]|getSecret\(/);
    expect([...file(name).calls].filter((call) => !knownFunctions.has(call))).toEqual([]);
  });

  test("outputs addresses and names, never a key or anything that contains one", () => {
    for (const output of file(name).outputs) {
      expect(output.text).not.toMatch(
        /connectionstring|accesskey|\bkeys?\b|\bsas\b|token|password|secret/i,
      );
    }
  });
});

/** The only functions and decorators that templates may call, so that a misspelt one is found. */
const knownFunctions = new Set(
  "allowed batchSize description environment filter first guid loadJsonContent maxLength minLength replace resourceGroup string subscriptionResourceId take tenant union uniqueString".split(
    " ",
  ),
);

describe("modules", () => {
  test("exist, get exactly the parameters they need, and have the outputs that are read", () => {
    const wrong: string[] = [];
    for (const [name, { declarations }] of files) {
      for (const module of declarations.filter(({ kind }) => kind === "module")) {
        const target = path.join(path.dirname(name), module.source);
        if (!files.has(target)) {
          wrong.push(`${name}: there is no ${module.source}`);
          continue;
        }
        const parameters = file(target).declarations.filter(({ kind }) => kind === "parameter");
        const values = propertiesOf(module.node).get("params");
        const given = new Set(values ? propertiesOf(values).keys() : []);
        for (const { name: parameter, required } of parameters) {
          if (required && !given.has(parameter))
            wrong.push(`${name}: ${module.name} lacks ${parameter}`);
        }
        for (const parameter of given) {
          if (!parameters.some((each) => each.name === parameter))
            wrong.push(`${name}: ${module.name} has no ${parameter}`);
        }
        const outputs = new Set(file(target).outputs.map((output) => output.name));
        const text = readFileSync(path.join(__dirname, name), "utf8");
        for (const [, output = ""] of text.matchAll(
          new RegExp(`\\b${module.name}!?\\.outputs\\.(\\w+)`, "g"),
        )) {
          if (!outputs.has(output)) wrong.push(`${name}: ${module.name} gives no ${output}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  test("are all used", () => {
    const used = [...files].flatMap(([name, { declarations }]) =>
      declarations
        .filter(({ kind }) => kind === "module")
        .map(({ source }) => path.join(path.dirname(name), source)),
    );
    expect([...new Set(used)].toSorted()).toEqual(names.filter((name) => name !== "main.bicep"));
  });
});

describe("resources", () => {
  test("have an API version from the allow list, which lists no others", () => {
    const allowed = new Map(Object.entries(json("api-versions.json") as Record<string, string>));
    const used = new Set<string>();
    for (const { source, file: place } of resources()) {
      const [type = "", version] = source.split("@");
      const root = [...allowed.keys()].find((each) => type === each || type.startsWith(`${each}/`));
      expect([place, source, root && allowed.get(root)]).toEqual([place, source, version]);
      if (root !== undefined) used.add(root);
    }
    expect([...used].toSorted()).toEqual([...allowed.keys()]);
  });

  test.each([
    [
      "modules/service-bus.bicep",
      "namespace",
      { disableLocalAuth: "true", minimumTlsVersion: "'1.2'" },
    ],
    [
      "modules/cosmos.bicep",
      "account",
      {
        disableLocalAuth: "true",
        disableKeyBasedMetadataWriteAccess: "true",
        minimalTlsVersion: "'Tls12'",
      },
    ],
    [
      "modules/storage.bicep",
      "account",
      {
        allowSharedKeyAccess: "false",
        allowBlobPublicAccess: "false",
        minimumTlsVersion: "'TLS1_2'",
      },
    ],
    ["modules/monitoring.bicep", "applicationInsights", { DisableLocalAuth: "true" }],
    [
      "modules/key-vault.bicep",
      "vault",
      { enableRbacAuthorization: "true", enablePurgeProtection: "true", enableSoftDelete: "true" },
    ],
    ["modules/functions.bicep", "app", { httpsOnly: "true" }],
  ])("%s: %s opens to identities only", (name, symbol, expected) => {
    const properties = propertiesOf(file(name).declared.get(symbol)?.node ?? raise()).get(
      "properties",
    );
    const found = new Map(
      [...propertiesOf(properties ?? raise())].map(([key, value]) => [key, value.text]),
    );
    expect(Object.fromEntries(Object.keys(expected).map((key) => [key, found.get(key)]))).toEqual(
      expected,
    );
  });

  test("of the vault lose no secret to a mistake, and no template writes a secret", () => {
    const written = resources().filter(
      ({ source, existing }) => /vaults\/secrets@/.test(source) && !existing,
    );
    expect(written).toEqual([]);
  });

  test("of the agent's machine include no public address and no password", () => {
    const text = readFileSync(path.join(__dirname, "modules/agent-vm.bicep"), "utf8");
    expect(text).not.toMatch(/publicIPAddress|adminPassword/);
    expect(text).toMatch(/disablePasswordAuthentication: true/);
  });
});

describe("queues and containers", () => {
  test("are those of the topology (else: npm run fix)", () => {
    expect(json("modules/topology.json")).toEqual(JSON.parse(JSON.stringify(topologyData())));
  });

  test("of every kind are created with the properties in the topology", () => {
    const { queues } = topologyData();
    const made = resources()
      .filter(
        ({ source, existing }) =>
          source.startsWith("Microsoft.ServiceBus/namespaces/queues@") && !existing,
      )
      .map(({ node }) => {
        const properties = propertiesOf(node);
        const kind =
          /topology\.queues\.(\w+)\.name/.exec(properties.get("name")?.text ?? "")?.[1] ?? "";
        expect(properties.get("properties")?.text).toBe(`topology.queues.${kind}.properties`);
        return kind;
      });
    expect(made.toSorted()).toEqual(Object.keys(queues).toSorted());
  });

  test("of Cosmos DB have strong reads (ADR 0009)", () => {
    const { text } = file("modules/cosmos.bicep").declared.get("account")?.node ?? raise();
    expect(/defaultConsistencyLevel: '(\w+)'/.exec(text)?.[1]).toBe("Strong");
  });

  test("of Cosmos DB are the shared ones and a ledger for each group", () => {
    const made = resources().filter(
      ({ source, existing }) => /sqlDatabases\/containers@/.test(source) && !existing,
    );
    expect(made.map(({ file: place, name }) => `${place} ${name}`)).toEqual([
      "modules/cosmos.bicep containers",
      "modules/worker-group.bicep ledger",
    ]);
    expect(made[0]?.node.text).toContain("for container in topology.containers");
    expect(
      topologyData()
        .containers.map(({ id }) => id)
        .toSorted(),
    ).toEqual(Object.values(containers).toSorted());
  });
});

describe("rights", () => {
  const group = { name: GroupName.parse("g"), targets: [TargetName.parse("t")] };
  const text = ({ role, kind, name }: Right): string => `${role} ${kind} ${name}`;

  /** The rights that the role assignments of a file grant, in the terms of the contracts. */
  function granted(name: string): string[] {
    const { declarations, declared } = file(name);
    const nameOf = (symbol: string): string =>
      (propertiesOf(declared.get(symbol)?.node ?? raise()).get("name")?.text ?? "")
        .replace(/^replace\(replace\(topology\.queues\.work\.name.*$/, "sync-g-t")
        .replace(/^replace\(topology\.queues\.(\w+)\.name.*$/, "$1-g")
        .replace("topology.queues.start.name", "sync-start")
        .replace("topology.workKeySecret", "work-key")
        .replaceAll("'", "")
        .replace("${group}", "g");
    const roles: Readonly<Record<string, string>> = {
      receiver: "receive queue",
      sender: "send queue",
      blobReader: "read blob",
      blobContributor: "read-write blob",
      secretsUser: "read secret",
    };
    return declarations.flatMap(({ kind, source, node }) => {
      if (kind !== "resource") return [];
      const properties = propertiesOf(node);
      const inner = propertiesOf(properties.get("properties") ?? node);
      if (source.startsWith("Microsoft.Authorization/roleAssignments@")) {
        expect(inner.get("principalId")?.text).toBe("principalId");
        const role = roles[inner.get("roleDefinitionId")?.text ?? ""];
        const scope = (properties.get("scope")?.text ?? "").replace("[index]", "");
        return role === undefined ? [`host ${scope}`] : [`${role} ${nameOf(scope)}`];
      }
      if (/sqlRoleAssignments@/.test(source)) {
        const scope = inner.get("scope")?.text ?? "";
        expect(scope).toMatch(/\/dbs\/\$\{topology\.database\}\/colls\//);
        if (scope.includes("topology.ledger.id")) return ["read-write container ledger-g"];
        return topologyData().containers.map(({ id }) => `read-write container ${id}`);
      }
      return [];
    });
  }

  test("of an agent are those of the contracts, and nothing else", () => {
    expect(granted("modules/agent-rights.bicep").toSorted()).toEqual(
      agentRights(group).map(text).toSorted(),
    );
  });

  test("of the cloud are those of the contracts, plus what its host needs", () => {
    const all = [
      ...granted("modules/cloud-rights.bicep"),
      ...granted("modules/cloud-group-rights.bicep"),
    ];
    expect(all.filter((right) => right.startsWith("host "))).toEqual([
      "host storage",
      "host applicationInsights",
    ]);
    expect(all.filter((right) => !right.startsWith("host ")).toSorted()).toEqual(
      cloudRights([group]).map(text).toSorted(),
    );
  });

  test("are granted on one queue, container, folder or secret, never on a whole namespace, account or vault", () => {
    for (const { source, node, file: place } of resources()) {
      if (!source.startsWith("Microsoft.Authorization/roleAssignments@")) continue;
      const scope = propertiesOf(node).get("scope")?.text ?? "";
      if (
        place === "modules/cloud-rights.bicep" &&
        ["storage", "applicationInsights"].includes(scope)
      )
        continue;
      expect(scope).toMatch(
        /^(workQueues\[index\]|jobsQueue|resultsQueue|startQueue|claimChecks|jobFiles|workKey)$/,
      );
    }
  });
});

describe("this check", () => {
  const problemsOf = async (text: string) => {
    const parsed = await parseBicep("x.bicep", text);
    return [...parsed.problems, ...parsed.unresolved, ...parsed.unused];
  };

  test.each([
    ["a symbol that is declared nowhere", "output a string = missing.id", ["missing"]],
    ["a parameter that nothing uses", "param a string", ["a"]],
    [
      "a loop variable outside its loop",
      "param l array\nvar x = [for e in l: e]\noutput a string = e\noutput b array = x",
      ["e"],
    ],
    [
      "a brace that is not closed",
      "var a = {\n  b: 1\noutput c object = a",
      expect.arrayContaining([expect.stringContaining("x.bicep:")]),
    ],
  ])("finds %s", async (_, text, expected) => {
    expect(await problemsOf(text)).toEqual(expected);
  });

  test("accepts loops, lambdas and conditions", async () => {
    const text =
      "param l array\noutput a array = [for (e, i) in l: '${e}${i}']\noutput b array = filter(l, x => x.y == 1)";
    expect(await problemsOf(text)).toEqual([]);
  });

  test("finds the files that it checks", () => {
    expect(existsSync(path.join(__dirname, "README.md"))).toBe(true);
  });
});

function raise(): never {
  throw new Error("the template lacks what this test looks at");
}
