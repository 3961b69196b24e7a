/** The requests that the emulator serves: what each is called, which right it needs, and what it does. */
import { z } from "zod";
import { SecretChanges } from "../engine/secret";
import { newestOf, type Vault } from "../engine/vault";
import { badParameter, VaultError } from "../engine/vault-error";
import { SecretName, type Verb } from "../topology";
import { listPage } from "./list-page";
import { deletedBundle, secretBundle, secretItem, versionItem } from "./secret-bundle";

const MAX_VALUE_CHARS = 25_600;

export interface Call {
  readonly vault: Vault;
  /** `https://localhost:PORT`. */
  readonly baseUrl: string;
  /** As the client wrote it, at `baseUrl`. */
  readonly url: URL;
  readonly name: string;
  /** Empty: the newest. */
  readonly version: string;
  /** @throws VaultError 400 unless it is JSON */
  readonly body: () => unknown;
}

interface Route {
  readonly operation: string;
  readonly verb: Verb;
  /** Last part of the data action that the right gives, as refusals name it. */
  readonly action: string;
  /** The body of the reply; undefined for 204. */
  readonly handle: (call: Call) => object | undefined;
}

export interface RouteMatch {
  readonly route: Route;
  readonly name: string | undefined;
  readonly version: string;
}

const Attributes = SecretChanges.pick({ enabled: true, nbf: true, exp: true });
const Changes = z.object({
  attributes: Attributes.nullish(),
  contentType: SecretChanges.shape.contentType.nullish(),
  tags: SecretChanges.shape.tags.nullish(),
});
const NewVersion = Changes.extend({ value: z.string().max(MAX_VALUE_CHARS) });

const routes = {
  "GET secrets": {
    operation: "secrets.list",
    verb: "list",
    action: "readMetadata/action",
    handle: ({ vault, baseUrl, url }) => {
      const { items, nextLink } = listPage(vault.list(), ({ name }) => name.toLowerCase(), url);
      const value = items.map((secret) =>
        secretItem(`${baseUrl}/secrets/${secret.name}`, newestOf(secret)),
      );
      return { value, nextLink };
    },
  },
  "GET secrets/{name}/versions": {
    operation: "secrets.versions",
    verb: "list",
    action: "readMetadata/action",
    handle: ({ vault, baseUrl, url, name }) => {
      const { items, nextLink } = listPage(vault.versions(name), ({ id }) => id, url);
      return { value: items.map((version) => versionItem(baseUrl, name, version)), nextLink };
    },
  },
  "GET secrets/{name}/{version}": {
    operation: "secrets.get",
    verb: "get",
    action: "getSecret/action",
    handle: ({ vault, baseUrl, name, version }) =>
      secretBundle(baseUrl, name, vault.get(name, version)),
  },
  "PUT secrets/{name}": {
    operation: "secrets.set",
    verb: "set",
    action: "setSecret/action",
    handle: ({ vault, baseUrl, name, body }) => {
      const { value, ...changes } = parsed(NewVersion, body());
      return secretBundle(baseUrl, name, vault.set(name, value, changesOf(changes)));
    },
  },
  "PATCH secrets/{name}/{version}": {
    operation: "secrets.update",
    verb: "set",
    action: "update/action",
    handle: ({ vault, baseUrl, name, version, body }) =>
      versionItem(baseUrl, name, vault.update(name, version, changesOf(parsed(Changes, body())))),
  },
  "DELETE secrets/{name}": {
    operation: "secrets.delete",
    verb: "delete",
    action: "delete",
    handle: ({ vault, baseUrl, name }) => deletedBundle(baseUrl, vault.delete(name)),
  },
  "GET deletedsecrets/{name}": {
    operation: "deletedsecrets.get",
    verb: "list",
    action: "readMetadata/action",
    handle: ({ vault, baseUrl, name }) => deletedBundle(baseUrl, vault.getDeleted(name)),
  },
  "POST deletedsecrets/{name}/recover": {
    operation: "deletedsecrets.recover",
    verb: "delete",
    action: "recover/action",
    handle: ({ vault, baseUrl, name }) => versionItem(baseUrl, name, newestOf(vault.recover(name))),
  },
  "DELETE deletedsecrets/{name}": {
    operation: "deletedsecrets.purge",
    verb: "purge",
    action: "purge/action",
    handle: ({ vault, name }) => {
      vault.purge(name);
      return undefined;
    },
  },
} satisfies Readonly<Record<string, Route>>;

/** @throws VaultError 400 for a name that no secret can have, 405 for a request that is not served */
export function findRoute(method: string, path: string): RouteMatch {
  const [collection = "", name, third = ""] = path.replace(/^\/+|\/+$/g, "").split("/");
  const route = routeOf(method, collection.toLowerCase(), name, third);
  if (route === undefined || path.split("/").length > 5) {
    throw new VaultError(405, "MethodNotAllowed", `The emulator does not serve ${method} ${path}.`);
  }
  if (name !== undefined && !SecretName.safeParse(name).success)
    throw badParameter(`The request URI contains an invalid name: ${name}`);
  const isVersion = third !== "versions" && third !== "recover";
  return { route, name, version: isVersion ? third : "" };
}

function routeOf(
  method: string,
  collection: string,
  name: string | undefined,
  third: string,
): Route | undefined {
  const key = ((): string => {
    if (name === undefined) return collection;
    if (third === "versions" || third === "recover") return `${collection}/{name}/${third}`;
    const takesVersion = collection === "secrets" && (method === "GET" || method === "PATCH");
    if (takesVersion) return `${collection}/{name}/{version}`;
    return third === "" ? `${collection}/{name}` : "";
  })();
  return new Map<string, Route>(Object.entries(routes)).get(`${method} ${key}`);
}

function changesOf(changes: z.infer<typeof Changes>): SecretChanges {
  const given = {
    ...changes.attributes,
    contentType: changes.contentType ?? undefined,
    tags: changes.tags ?? undefined,
  };
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return SecretChanges.parse(Object.fromEntries(entries));
}

/** Names the field that is wrong, never its value. */
function parsed<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const fields = result.error.issues.map(({ path }) => path.join(".")).join(", ");
  throw badParameter(`Property has invalid value: ${fields === "" ? "the body" : fields}`);
}
