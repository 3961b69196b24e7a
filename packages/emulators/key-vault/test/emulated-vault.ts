/** What the tests share: the issuer and the vault, and the official client signed in to both. */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { ClientSecretCredential } from "@azure/identity";
import { SecretClient, type SecretClientOptions } from "@azure/keyvault-secrets";
import { localCertificates, type LocalCertificates } from "@postern/emulator-kit";
import { type EntraEmulator, startEntraEmulator } from "@postern/entra-emulator";
import {
  type KeyVaultEmulator,
  type KeyVaultEmulatorOptions,
  startKeyVaultEmulator,
} from "../src/index";

export const audience = "https://vault.azure.net";
const tenantId = "7d8ed8a5-9a0c-4d38-8d1c-5b1b1f5c0001";

/** `cloud` reads one secret, `lister` its properties only, `operator` does everything, `nobody` nothing. */
export const clientIds = ["cloud", "lister", "operator", "nobody"] as const;
type ClientId = (typeof clientIds)[number];

const topology: KeyVaultEmulatorOptions["topology"] = {
  rights: [
    { principal: "cloud", secret: "work-key", verbs: ["get", "list"] },
    { principal: "lister", secret: "work-key", verbs: ["list"] },
    { principal: "operator", secret: "*", verbs: ["get", "list", "set", "delete", "purge"] },
  ],
};

export function temporaryDirectory(): string {
  return mkdtempSync(path.join(tmpdir(), "key-vault-emulator-"));
}

export class EmulatedVault {
  readonly certificates: LocalCertificates;
  readonly entra: EntraEmulator;
  vault: KeyVaultEmulator;

  private constructor(
    certificates: LocalCertificates,
    entra: EntraEmulator,
    vault: KeyVaultEmulator,
  ) {
    this.certificates = certificates;
    this.entra = entra;
    this.vault = vault;
  }

  static async start(options: Partial<KeyVaultEmulatorOptions> = {}): Promise<EmulatedVault> {
    const certificates = await localCertificates(temporaryDirectory());
    setDefaultCACertificates([
      ...getCACertificates("default"),
      readFileSync(certificates.caFile, "utf8"),
    ]);
    const clients = clientIds.map((clientId) => ({ clientId, clientSecret: `${clientId} secret` }));
    const entra = await startEntraEmulator({ certificates, tenantId, clients });
    const { issuer } = entra;
    const vault = await startKeyVaultEmulator({ certificates, issuer, topology, ...options });
    return new EmulatedVault(certificates, entra, vault);
  }

  /** Ends the vault and starts it again on another port. */
  async restart(options: Partial<KeyVaultEmulatorOptions>): Promise<void> {
    await this.vault.close();
    const { certificates, entra } = this;
    const { issuer } = entra;
    this.vault = await startKeyVaultEmulator({ certificates, issuer, topology, ...options });
  }

  /** The official client. Nothing but the check of the host's name is turned off. */
  client(as: ClientId = "operator", options: SecretClientOptions = {}): SecretClient {
    const credential = new ClientSecretCredential(tenantId, as, `${as} secret`, {
      authorityHost: this.entra.authority,
      disableInstanceDiscovery: true,
    });
    return new SecretClient(this.vault.url, credential, {
      disableChallengeResourceVerification: true,
      ...options,
    });
  }

  /** A bare request. */
  async fetch(target: string, init: RequestInit & { readonly token?: string } = {}) {
    const headers = new Headers(init.headers);
    if (init.token !== undefined) headers.set("authorization", `Bearer ${init.token}`);
    return fetch(`${this.vault.url}${target}`, { ...init, headers });
  }

  token(clientId: string = "operator", of: string = audience): Promise<string> {
    return this.entra.issueToken({ clientId, audience: of });
  }

  async close(): Promise<void> {
    await this.vault.close();
    await this.entra.close();
  }
}
