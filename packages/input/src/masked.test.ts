import { describe, expect, test } from "@jest/globals";
import { masked, maskedFields } from "./masked";

const token = `eyJhbGciOiJSUzI1NiJ9.${"a".repeat(40)}.${"b".repeat(40)}`;

describe("a secret that a peer echoes", () => {
  test.each([
    ["a bearer token", `401: Authorization: Bearer ${token}`, [token]],
    [
      "an opaque bearer token",
      "header authorization=bearer 0123456789abcdef0123",
      ["0123456789abcdef0123"],
    ],
    ["a basic login", "Authorization: Basic dXNlcjpwYXNzd29yZDEyMw==", ["dXNlcjpwYXNz"]],
    ["a token without its scheme", `invalid token "${token}"`, [token]],
    ["half of a token", token.slice(0, 40), [token.slice(0, 40)]],
    [
      "a connection string of Service Bus",
      "Endpoint=sb://x/;SharedAccessKeyName=root;SharedAccessKey=c2VjcmV0a2V5MTIz=;EntityPath=q",
      ["c2VjcmV0a2V5MTIz"],
    ],
    ["a key of a storage account", "AccountName=a;AccountKey=Zm9vYmFyYmF6;", ["Zm9vYmFyYmF6"]],
    ["a URL with a password", "postgres://app:pa55-w0rd@db:5432/hr failed", ["pa55-w0rd"]],
    [
      "a password in quotes",
      `password authentication: password="two words" host=db`,
      ["two words"],
    ],
    ["a password in JSON", `{"user":"a","password":"hunter two","x":1}`, ["hunter two"]],
    ["a password in YAML", "user: app\npassword: hunter2\nhost: db", ["hunter2"]],
    ["a password of ODBC", "Server=db;Uid=sa;Pwd=S3cret!;", ["S3cret!"]],
    ["a client secret", "grant_type=x&client_secret=abc~DEF&scope=y", ["abc~DEF"]],
    ["a shared access signature", "https://st/x?sv=2024&sig=AbC%2F123&se=1", ["AbC%2F123"]],
    [
      "a signature of the broker",
      "SharedAccessSignature sr=sb%3A%2F%2Fx&sig=Zm9vYmFyYmF6&se=1",
      ["Zm9vYmFyYmF6"],
    ],
    ["a private key", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", ["MIIE"]],
    ["a private key that was cut", "-----BEGIN EC PRIVATE KEY-----\nMHcC", ["MHcC"]],
  ])("%s is masked", (_name, text, secrets) => {
    const result = masked(text);
    for (const secret of secrets) expect(result).not.toContain(secret);
    expect(result).toContain("[redacted]");
  });

  test.each([
    "$.password: unknown key",
    'the login of "app" was refused: password authentication failed for user "app"',
    "Send an Entra access token: Authorization: Bearer …",
    "Basic authentication is off",
    "https://graph.microsoft.com/v1.0/users/delta answered 503",
    "key column 'id': the value is null",
  ])("and a text without one stays: %s", (text) => {
    expect(masked(text)).toBe(text);
  });

  test("takes time in proportion to the text, whatever it repeats", () => {
    const before = process.cpuUsage();
    for (const part of [
      "password=",
      "a://",
      "eyJ",
      "-----BEGIN PRIVATE KEY-----",
      "bearer ",
      'sig="',
      "a:b@",
    ])
      masked(part.repeat(20_000));
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(3_000);
  });

  test("in fields of a log line it is masked at any depth", () => {
    const line = maskedFields({ a: [{ b: "Pwd=x1;" }], error: new Error(`Bearer ${token}`), n: 1 });
    expect(JSON.stringify(line)).toBe(
      '{"a":[{"b":"Pwd=[redacted];"}],"error":{"name":"Error","message":"Bearer [redacted]"},"n":1}',
    );
  });
});
