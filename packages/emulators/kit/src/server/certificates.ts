import { randomBytes, webcrypto } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

export interface LocalCertificates {
  /** PEM file of the local authority; clients trust it through NODE_EXTRA_CA_CERTS. */
  readonly caFile: string;
  /** PEM file of the server certificate for localhost and 127.0.0.1. */
  readonly certFile: string;
  /** PEM file of the server certificate's key, readable by its owner only. */
  readonly keyFile: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const VALID_DAYS = 365;
/** A certificate is replaced when it has less than this left. */
const RENEW_DAYS = 30;
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key)).toString("base64");
  const lines = der.match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\n`;
}

/**
 * A certificate authority and a server certificate for localhost, made in `directory` on first use and reused
 * afterwards. The authority's key is never stored, so it cannot issue anything later.
 */
export async function localCertificates(directory: string): Promise<LocalCertificates> {
  const files: LocalCertificates = {
    caFile: path.join(directory, "ca.pem"),
    certFile: path.join(directory, "server.pem"),
    keyFile: path.join(directory, "server-key.pem"),
  };
  if (
    Object.values(files).every((file: string) => existsSync(file)) &&
    !(await expiresSoon(files.certFile))
  ) {
    return files;
  }
  // Loaded only when a certificate is made: loading takes 60 ms, which later starts save.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  x509.cryptoProvider.set(webcrypto as never);
  const generate = (): Promise<webcrypto.CryptoKeyPair> =>
    webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const [caKeys, serverKeys] = await Promise.all([generate(), generate()]);
  const notBefore = new Date(Date.now() - DAY_MS);
  const notAfter = new Date(Date.now() + VALID_DAYS * DAY_MS);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    // Clients look an authority up by its name: two with the same name would hide each other.
    name: `CN=Postern local authority ${randomBytes(4).toString("hex")}`,
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    keys: caKeys as never,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
    ],
  });
  const server = await x509.X509CertificateGenerator.create({
    serialNumber: "02",
    subject: "CN=localhost",
    issuer: ca.subject,
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    publicKey: serverKeys.publicKey as never,
    signingKey: caKeys.privateKey as never,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: "dns", value: "localhost" },
        { type: "ip", value: "127.0.0.1" },
        { type: "ip", value: "::1" },
      ]),
    ],
  });
  mkdirSync(directory, { recursive: true });
  writeFileSync(files.keyFile, await privateKeyPem(serverKeys.privateKey), { mode: 0o600 });
  writeFileSync(files.certFile, `${server.toString("pem")}\n`);
  writeFileSync(files.caFile, `${ca.toString("pem")}\n`);
  return files;
}

async function expiresSoon(certFile: string): Promise<boolean> {
  const { X509Certificate } = await import("node:crypto");
  const certificate = new X509Certificate(readFileSync(certFile));
  return new Date(certificate.validTo).getTime() - Date.now() < RENEW_DAYS * DAY_MS;
}
