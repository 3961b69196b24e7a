import {
  BranchId,
  clip,
  fieldProblems,
  GroupName,
  limits,
  PosternError,
  problemText,
  Secret,
  TargetName,
  TenantId,
  type WorkerGroup,
} from "@postern/contracts";
import { deepFreeze } from "@postern/runtime";
import { z } from "zod";

/** Settings of the function app, grouped. Made once at start from the environment by `loadSettings`. */
export interface Settings {
  readonly tenant: TenantId;
  readonly branch: BranchId;
  /** Name under which this instance takes claims. */
  readonly instance: string;
  readonly version: string;
  readonly groups: readonly WorkerGroup[];
  readonly serviceBus: {
    readonly connectionString: Secret | null;
    readonly fullyQualifiedNamespace: string | null;
  };
  readonly cosmos: { readonly endpoint: string; readonly key: Secret | null };
  readonly keyVault: {
    readonly url: string;
    /** For a vault whose host is not in the domain of its tokens' audience. */
    readonly disableChallengeResourceVerification: boolean;
  };
  readonly graph: { readonly baseUrl: string; readonly scope: string };
  readonly auth: { readonly issuer: string; readonly audience: string };
  readonly blob: {
    readonly connectionString: Secret | null;
    readonly accountUrl: string | null;
  } | null;
  readonly identity: { readonly disableInstanceDiscovery: boolean };
  readonly telemetry: { readonly otlpEndpoint: string | null };
}

const url = z.url({ protocol: /^https?$/, error: "must be an http or https URL" });
const httpsUrl = z.url({ protocol: /^https$/, error: "must be an https URL" });
const flag = z.enum(["true", "false"], { error: "must be true or false" });
const text = z.string().min(1, { error: "must not be empty" }).max(2_000);

const Groups = z
  .array(
    z.strictObject({
      name: GroupName,
      targets: z.array(TargetName).min(1, { error: "at least one target" }).max(50),
    }),
  )
  .min(1, { error: "at least one worker group" })
  .max(50)
  .refine((groups) => new Set(groups.map(({ name }) => name)).size === groups.length, {
    error: "group names must differ",
  });

const groupsJson = z.string().transform((value, context) => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    context.addIssue({
      code: "custom",
      message: 'must be JSON such as [{"name":"main","targets":["hr-db"]}]',
    });
    return z.NEVER;
  }
  const groups = Groups.safeParse(parsed);
  if (groups.success) return groups.data;
  for (const { field, problem, hint } of fieldProblems(groups.error, ["name", "targets"])) {
    context.addIssue({
      code: "custom",
      message: `${field.slice(1)} ${problem}${hint === undefined ? "" : ` (${hint})`}`.trim(),
    });
  }
  return z.NEVER;
});

const Environment = z
  .object({
    TENANT_ID: TenantId,
    BRANCH: BranchId,
    WORKER_GROUPS: groupsJson,
    SYNC_SCHEDULE: text,
    ServiceBusConnection: text.optional(),
    ServiceBusConnection__fullyQualifiedNamespace: text.optional(),
    COSMOS_ENDPOINT: url,
    COSMOS_KEY: text.optional(),
    KEY_VAULT_URL: httpsUrl,
    KEY_VAULT_DISABLE_CHALLENGE_RESOURCE_VERIFICATION: flag.optional(),
    GRAPH_BASE_URL: httpsUrl.default("https://graph.microsoft.com"),
    GRAPH_SCOPE: text.optional(),
    AUTH_ISSUER: httpsUrl,
    AUTH_AUDIENCE: text,
    BLOB_CONNECTION_STRING: text.optional(),
    BLOB_ACCOUNT_URL: url.optional(),
    AZURE_AUTHORITY_HOST: httpsUrl.optional(),
    IDENTITY_DISABLE_INSTANCE_DISCOVERY: flag.optional(),
    OTEL_EXPORTER_OTLP_ENDPOINT: url.optional(),
    WEBSITE_INSTANCE_ID: text.optional(),
    POSTERN_VERSION: text.default("0.1.0"),
  })
  .superRefine((env, context) => {
    const { ServiceBusConnection: connection, COSMOS_KEY: key, COSMOS_ENDPOINT: endpoint } = env;
    if (!connection && !env.ServiceBusConnection__fullyQualifiedNamespace) {
      context.addIssue({
        code: "custom",
        path: ["ServiceBusConnection"],
        message:
          "set a connection string, or ServiceBusConnection__fullyQualifiedNamespace for a managed identity",
      });
    }
    if (!key && endpoint.startsWith("http://")) {
      context.addIssue({
        code: "custom",
        path: ["COSMOS_KEY"],
        message: "is needed over http: the SDK sends identity tokens over https only",
      });
    }
  });

/** Empty app settings count as absent: that is how the portal clears one. */
function withoutEmpty(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const filled: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value) filled[name] = value;
  return filled;
}

/**
 * Reads the app settings. `hostName` names the instance where the platform gives it no id.
 *
 * @throws PosternError `settings-invalid`, naming every problem at once
 */
export function loadSettings(
  env: Readonly<Record<string, string | undefined>>,
  hostName = "local",
): Settings {
  const parsed = Environment.safeParse(withoutEmpty(env));
  if (!parsed.success) {
    const problems = fieldProblems(parsed.error).map((problem) => ({
      ...problem,
      field: problem.field.replace(/^\$\./, ""),
    }));
    throw new PosternError("settings-invalid", problemText(problems), { details: { problems } });
  }
  const all = parsed.data;
  const secret = (value: string | undefined): Secret | null =>
    value === undefined ? null : new Secret(value);
  return deepFreeze({
    tenant: all.TENANT_ID,
    branch: all.BRANCH,
    instance: clip(all.WEBSITE_INSTANCE_ID ?? hostName, limits.instanceChars),
    version: all.POSTERN_VERSION,
    groups: all.WORKER_GROUPS,
    serviceBus: {
      connectionString: secret(all.ServiceBusConnection),
      fullyQualifiedNamespace: all.ServiceBusConnection__fullyQualifiedNamespace ?? null,
    },
    cosmos: { endpoint: all.COSMOS_ENDPOINT, key: secret(all.COSMOS_KEY) },
    keyVault: {
      url: all.KEY_VAULT_URL.replace(/\/+$/, ""),
      disableChallengeResourceVerification:
        all.KEY_VAULT_DISABLE_CHALLENGE_RESOURCE_VERIFICATION === "true",
    },
    graph: {
      baseUrl: all.GRAPH_BASE_URL.replace(/\/+$/, ""),
      scope: all.GRAPH_SCOPE ?? `${all.GRAPH_BASE_URL.replace(/\/+$/, "")}/.default`,
    },
    auth: { issuer: all.AUTH_ISSUER, audience: all.AUTH_AUDIENCE },
    blob:
      all.BLOB_CONNECTION_STRING === undefined && all.BLOB_ACCOUNT_URL === undefined
        ? null
        : {
            connectionString: secret(all.BLOB_CONNECTION_STRING),
            accountUrl: all.BLOB_ACCOUNT_URL ?? null,
          },
    identity: { disableInstanceDiscovery: all.IDENTITY_DISABLE_INSTANCE_DISCOVERY === "true" },
    telemetry: { otlpEndpoint: all.OTEL_EXPORTER_OTLP_ENDPOINT ?? null },
  });
}
