import { ServiceBusClient } from "@azure/service-bus";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { SharedAccess } from "../src/wire/connection/shared-access";
import { createHmac } from "node:crypto";
import { RETRIES, startBench, type Bench } from "./queues";

let bench: Bench;
beforeEach(async () => {
  bench = await startBench([{ name: "work" }], { sharedAccessKey: "secret" });
});
afterEach(() => bench.close());

async function sendWith(connectionString: string): Promise<unknown> {
  const client = new ServiceBusClient(connectionString, {
    retryOptions: { ...RETRIES, maxRetries: 0 },
  });
  try {
    return await client.createSender("work").sendMessages({ body: 1 });
  } finally {
    await client.close();
  }
}

test("the connection string opens the namespace", async () => {
  expect(bench.emulator.connectionString).toContain(
    "SharedAccessKey=secret;UseDevelopmentEmulator=true;",
  );
  await sendWith(bench.emulator.connectionString);
  expect(bench.emulator.stats()["active:work"]).toBe(1);
});

test("a wrong key is refused", async () => {
  const wrong = bench.emulator.connectionString.replace("=secret", "=other");
  await expect(sendWith(wrong)).rejects.toMatchObject({ code: "UnauthorizedAccess" });
});

test("a wrong key name is refused", async () => {
  const wrong = bench.emulator.connectionString.replace("RootManage", "Other");
  await expect(sendWith(wrong)).rejects.toMatchObject({ code: "UnauthorizedAccess" });
});

test("a signature for one queue does not open another, and an expired one opens nothing", () => {
  const access = new SharedAccess("secret", { now: () => 1_000_000 });
  const token = (resource: string, expirySeconds: number): string => {
    const sr = encodeURIComponent(resource);
    const sig = createHmac("sha256", "secret").update(`${sr}\n${expirySeconds}`).digest("base64");
    return `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(sig)}&se=${expirySeconds}&skn=RootManageSharedAccessKey`;
  };
  expect(access.verify(token("sb://localhost:1/Work/", 2000))).toBe("work");
  expect(access.verify(token("sb://localhost:1/", 2000))).toBe("");
  expect(() => access.verify(token("sb://localhost:1/work", 1000))).toThrow("ExpiredToken");
  expect(() => access.verify("Bearer x")).toThrow("MalformedToken");
  expect(() => access.verify("SharedAccessSignature sr=%E0%A4%A&sig=%&se=9&skn=x")).toThrow(
    "MalformedToken",
  );
});
