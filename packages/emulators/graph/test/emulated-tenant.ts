/** What the tests share: the issuer and the directory, and the official client signed in to both. */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { ClientSecretCredential } from "@azure/identity";
import { Client, HTTPMessageHandler } from "@microsoft/microsoft-graph-client";
import { TokenCredentialAuthenticationProvider } from "@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials";
import { localCertificates, type LocalCertificates } from "@postern/emulator-kit";
import { startEntraEmulator, type EntraEmulator } from "@postern/entra-emulator";
import { startGraphEmulator, type GraphEmulator, type GraphEmulatorOptions } from "../src/index";

export const audience = "https://graph.microsoft.com";
const tenantId = "7d8ed8a5-9a0c-4d38-8d1c-5b1b1f5c0001";

export const clientIds = { admin: "admin", reader: "reader", nobody: "nobody" } as const;
const roles = { admin: ["Directory.ReadWrite.All"], reader: ["Directory.Read.All"], nobody: [] };

export function temporaryDirectory(): string {
  return mkdtempSync(path.join(tmpdir(), "graph-emulator-"));
}

export class EmulatedTenant {
  readonly certificates: LocalCertificates;
  readonly entra: EntraEmulator;
  graph: GraphEmulator;

  private constructor(certificates: LocalCertificates, entra: EntraEmulator, graph: GraphEmulator) {
    this.certificates = certificates;
    this.entra = entra;
    this.graph = graph;
  }

  static async start(options: Partial<GraphEmulatorOptions> = {}): Promise<EmulatedTenant> {
    const certificates = await localCertificates(temporaryDirectory());
    setDefaultCACertificates([
      ...getCACertificates("default"),
      readFileSync(certificates.caFile, "utf8"),
    ]);
    const clients = Object.entries(clientIds).map(([name, clientId]) => ({
      clientId,
      clientSecret: `${name} secret`,
      roles: { [audience]: roles[name as keyof typeof roles] },
    }));
    const entra = await startEntraEmulator({ port: 0, certificates, tenantId, clients });
    const graph = await startGraphEmulator({
      port: 0,
      certificates,
      issuer: entra.issuer,
      ...options,
    }).catch(async (error: unknown) => {
      await entra.close();
      throw error;
    });
    return new EmulatedTenant(certificates, entra, graph);
  }

  /** Ends the directory and starts it again on the same port. */
  async restart(options: Partial<GraphEmulatorOptions>): Promise<void> {
    const port = Number(new URL(this.graph.graph).port);
    await this.graph.close();
    // The client notices the closed connections a turn of the loop later, and must not use them for the next request.
    await new Promise((resolve) => setTimeout(resolve, 20));
    this.graph = await startGraphEmulator({
      port,
      certificates: this.certificates,
      issuer: this.entra.issuer,
      ...options,
    });
  }

  /** The official client with its usual middleware: token, retries, redirects. */
  client(as: keyof typeof clientIds = "admin"): Client {
    const credential = new ClientSecretCredential(tenantId, clientIds[as], `${as} secret`, {
      authorityHost: this.entra.authority,
      disableInstanceDiscovery: true,
    });
    const authProvider = new TokenCredentialAuthenticationProvider(credential, {
      scopes: [`${audience}/.default`],
    });
    return Client.initWithMiddleware({
      authProvider,
      baseUrl: this.graph.graph,
      customHosts: new Set(["localhost"]),
    });
  }

  token(as: keyof typeof clientIds = "admin"): Promise<string> {
    return this.entra.issueToken({ clientId: clientIds[as], audience, roles: roles[as] });
  }

  /** The official client without its retries, for what a retry would hide. */
  async plainClient(as: keyof typeof clientIds = "admin"): Promise<Client> {
    const token = await this.token(as);
    const handler = new HTTPMessageHandler();
    return Client.initWithMiddleware({
      baseUrl: this.graph.graph,
      customHosts: new Set(["localhost"]),
      middleware: {
        execute: (context) => {
          const headers = new Headers(context.options?.headers);
          headers.set("authorization", `Bearer ${token}`);
          context.options = { ...context.options, headers };
          return handler.execute(context);
        },
      },
    });
  }

  /** A bare request below the version. */
  async fetch(
    path: string,
    init: RequestInit & { readonly as?: keyof typeof clientIds } = {},
  ): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!headers.has("authorization"))
      headers.set("authorization", `Bearer ${await this.token(init.as ?? "admin")}`);
    return fetch(path.startsWith("https:") ? path : `${this.graph.graph}/v1.0/${path}`, {
      ...init,
      headers,
    });
  }

  async close(): Promise<void> {
    await this.graph.close();
    await this.entra.close();
  }
}
