import { expect, test } from "@jest/globals";
import { AzureCredential } from "./azure-credential";

test("an issuer that does not answer costs its caller a limited wait, and the next call asks again", async () => {
  let asked = 0;
  const token = { token: "t", expiresOnTimestamp: Date.now() + 3_600_000 };
  const issuer = {
    getToken: () => {
      asked += 1;
      return asked === 1 ? new Promise<never>(() => undefined) : Promise.resolve(token);
    },
  };
  const credential = new AzureCredential({
    disableInstanceDiscovery: true,
    issuerTimeoutMs: 50,
    load: () => Promise.resolve(issuer),
  });
  await expect(credential.bearer("scope")).rejects.toThrow("did not answer within 50 ms");
  await expect(credential.bearer("scope")).resolves.toBe("t");
  await expect(credential.bearer("scope")).resolves.toBe("t");
  expect(asked).toBe(2);
});
