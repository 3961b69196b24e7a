import { expect, test } from "@jest/globals";
import { LazyCredential } from "./lazy-credential";

test("an issuer that does not answer costs its caller a bounded wait, and the next one asks anew", async () => {
  let asked = 0;
  const token = { token: "t", expiresOnTimestamp: Date.now() + 3_600_000 };
  const issuer = {
    getToken: () => {
      asked += 1;
      return asked === 1 ? new Promise<never>(() => undefined) : Promise.resolve(token);
    },
  };
  const credential = new LazyCredential(() => Promise.resolve(issuer), 50);
  await expect(credential.bearer("scope")).rejects.toThrow("did not answer within 50 ms");
  await expect(credential.bearer("scope")).resolves.toBe("t");
  await expect(credential.bearer("scope")).resolves.toBe("t");
  expect(asked).toBe(2);
});
