import { expect, test } from "@jest/globals";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync } from "node:fs";
import { createServer, get } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { localCertificates } from "./certificates";

test("a client that trusts the local authority reaches an https server by name and by address", async () => {
  const files = await localCertificates(mkdtempSync(path.join(tmpdir(), "certificates ")));
  const ca = readFileSync(files.caFile);
  const server = createServer(
    { key: readFileSync(files.keyFile), cert: readFileSync(files.certFile) },
    (_, response) => response.end("hello"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    for (const host of ["localhost", "127.0.0.1"]) {
      const status = await new Promise((resolve, reject) => {
        get({ host, port, ca, family: 4 }, (response) => {
          response.resume();
          resolve(response.statusCode);
        }).on("error", reject);
      });
      expect(status).toBe(200);
    }
  } finally {
    server.close();
  }
});

test("certificates are created once and reused", async () => {
  const directory = mkdtempSync(path.join(tmpdir(), "certificates-"));
  const first = new X509Certificate(readFileSync((await localCertificates(directory)).certFile));
  const second = new X509Certificate(readFileSync((await localCertificates(directory)).certFile));
  expect(second.fingerprint256).toBe(first.fingerprint256);
});
