import { tmpdir } from "node:os";
import { expect, test } from "@jest/globals";
import { AppSettings } from "../../../engine/config/app-settings";
import { createClient, resolveConnection } from "./connection";
import { readHostJson } from "../../../engine/config/host-json";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

function resolve(connection: string, settings: Record<string, string>) {
  const sources = { appDirectory: tmpdir(), environment: {}, settings };
  return resolveConnection(connection, new AppSettings(sources), "test");
}

test("a setting of the connection's name is a connection string, in any case and with the old prefix", () => {
  const expected = { kind: "connection-string", connectionString: "Endpoint=sb://x/" };
  expect(resolve("Bus", { Bus: "Endpoint=sb://x/" })).toEqual(expected);
  expect(resolve("bus", { BUS: "Endpoint=sb://x/" })).toEqual(expected);
  expect(resolve("Bus", { AzureWebJobsBus: "Endpoint=sb://x/" })).toEqual(expected);
  expect(resolve("%WHICH%", { WHICH: "Bus", Bus: "Endpoint=sb://x/" })).toEqual(expected);
});

test("a namespace is reached with the identity of the process", async () => {
  const namespace = "x.servicebus.windows.net";
  expect(resolve("Bus", { Bus__fullyQualifiedNamespace: namespace, Bus__clientId: "id" })).toEqual({
    kind: "identity",
    namespace,
    clientId: "id",
  });
  const directory = mkdtempSync(path.join(tmpdir(), "connection-"));
  writeFileSync(path.join(directory, "host.json"), '{"version":"2.0"}');
  const { serviceBus } = readHostJson(directory).extensions;
  rmSync(directory, { recursive: true });
  const client = await createClient(
    { kind: "identity", namespace, clientId: undefined },
    serviceBus,
  );
  expect(client.fullyQualifiedNamespace).toBe(namespace);
  await client.close();
});

test("a connection without any setting is refused", () => {
  expect(() => resolve("Bus", { Bus: "" })).toThrow(/"Bus".*Bus__fullyQualifiedNamespace/);
});
