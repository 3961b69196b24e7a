import { readFileSync } from "node:fs";
import { z } from "zod";

const Text = z.string().min(1).max(500);

/** An application that may ask for tokens. */
export const RegisteredClient = z.strictObject({
  clientId: Text,
  clientSecret: Text,
  /** App roles granted, by audience (the scope without `/.default`). */
  roles: z.record(Text, z.array(Text).max(200)).default({}),
});
export type RegisteredClient = z.infer<typeof RegisteredClient>;

/** The tenant and its applications: what `--clients FILE` holds. */
export const ClientRegistry = z
  .strictObject({ tenantId: Text, clients: z.array(RegisteredClient).max(1000) })
  .refine(
    ({ clients }) => new Set(clients.map((client) => client.clientId)).size === clients.length,
    {
      message: "two clients have the same clientId",
      path: ["clients"],
    },
  );
export type ClientRegistry = z.infer<typeof ClientRegistry>;
export type ClientRegistryInput = z.input<typeof ClientRegistry>;

/** Thrown when the client registry cannot be used; the message names the place. */
export class ClientRegistryError extends Error {
  readonly code = "client-registry-invalid";
  constructor(source: string, problem: string, options?: ErrorOptions) {
    super(`${source} is no usable client registry: ${problem}`, options);
    this.name = "ClientRegistryError";
  }
}

export function parseClientRegistry(source: string, value: unknown): ClientRegistry {
  const parsed = ClientRegistry.safeParse(value);
  if (!parsed.success) throw new ClientRegistryError(source, z.prettifyError(parsed.error));
  return parsed.data;
}

export function readClientRegistry(file: string): ClientRegistry {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new ClientRegistryError(file, error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  }
  return parseClientRegistry(file, value);
}
