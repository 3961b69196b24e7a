import { JsonFileError, readJsonFile } from "@postern/emulator-kit";
import { z } from "zod";

const Text = z.string().min(1).max(500);

/** App roles granted, by audience (the scope without `/.default`). */
const Roles = z.record(Text, z.array(Text).max(200)).default({});

/** An application that may ask for tokens. */
export const RegisteredClient = z.strictObject({
  clientId: Text,
  /** Absent: the client gets no token for itself. */
  clientSecret: Text.optional(),
  /** Whether users log in with this client by a device code. */
  publicClient: z.boolean().default(false),
  roles: Roles,
});
export type RegisteredClient = z.infer<typeof RegisteredClient>;

/** A person who may log in. There are no passwords. */
export const RegisteredUser = z
  .strictObject({ username: Text, name: Text.optional(), roles: Roles })
  .transform((user) => ({ ...user, name: user.name ?? user.username }));

/** The tenant, its applications and its people: what `--clients FILE` holds. */
export const ClientRegistry = z
  .strictObject({
    tenantId: Text,
    clients: z.array(RegisteredClient).max(1000),
    users: z.array(RegisteredUser).max(1000).default([]),
  })
  .refine(
    ({ clients }) => new Set(clients.map((client) => client.clientId)).size === clients.length,
    {
      message: "two clients have the same clientId",
      path: ["clients"],
    },
  )
  .refine(({ users }) => new Set(users.map(({ username }) => username)).size === users.length, {
    message: "two users have the same username",
    path: ["users"],
  });
export type ClientRegistry = z.infer<typeof ClientRegistry>;
export type ClientRegistryInput = z.input<typeof ClientRegistry>;

/** The client registry cannot be used; the message names the place. */
export class ClientRegistryError extends Error {
  readonly code = "client-registry-invalid";
  constructor(source: string, problem: string, options?: ErrorOptions) {
    super(`${source} is not a usable client registry: ${problem}`, options);
    this.name = "ClientRegistryError";
  }
}

/** @throws ClientRegistryError, naming `source` and every wrong field */
export function parseClientRegistry(source: string, value: unknown): ClientRegistry {
  const parsed = ClientRegistry.safeParse(value);
  if (!parsed.success) throw new ClientRegistryError(source, z.prettifyError(parsed.error));
  return parsed.data;
}

/** @throws ClientRegistryError, naming the file and every wrong field */
export function readClientRegistry(file: string): ClientRegistry {
  let value: unknown;
  try {
    value = readJsonFile(file);
  } catch (error) {
    if (!(error instanceof JsonFileError)) throw error;
    throw new ClientRegistryError(file, error.message, { cause: error });
  }
  return parseClientRegistry(file, value);
}
