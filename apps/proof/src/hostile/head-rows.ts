import { type HostileRow, times } from "./hostile-row";

/** A request line and its headers; a login is added unless they have one. */
export interface Head {
  readonly method?: string;
  /** Below `/api/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const row = (
  name: string,
  make: (size: number) => Head,
  within: number,
  beyond: number,
  says: RegExp,
): HostileRow<Head> => ({ name, make, within, beyond, says });

const header = (name: string, value: (size: number) => string) => (size: number) => ({
  path: "syncs",
  headers: size === 0 ? {} : { [name]: value(size) },
});
const continuation = (text: string): string => Buffer.from(text).toString("base64url");

export const headRows: readonly HostileRow<Head>[] = [
  row(
    "headers",
    (size) => ({
      path: "syncs",
      headers: Object.fromEntries(Array.from({ length: size }, (_, n) => [`x-${n}`, "1"])),
    }),
    50,
    200,
    /^431 /,
  ),
  row(
    "a long header",
    header("x-long", (size) => "x".repeat(size)),
    10_000,
    40_000,
    /^431 /,
  ),
  row(
    "a long token",
    header("authorization", (size) => `Bearer ${"a".repeat(size)}.b.c`),
    0,
    20_000,
    /^401 .*bearer token/,
  ),
  row(
    "a token of dots",
    header("authorization", (size) => `Bearer ${".".repeat(size)}`),
    0,
    15_000,
    /^401 /,
  ),
  row(
    "a token that is not JSON",
    header("authorization", (size) => `Bearer ${continuation("[".repeat(size))}.e30.x`),
    0,
    10_000,
    /^401 /,
  ),
  row(
    "a long path",
    (size) => ({ path: `syncs?${size ? `continuation=${"x".repeat(size)}` : ""}` }),
    0,
    9_000,
    /^414 /,
  ),
  row(
    "parameters",
    (size) => ({ path: `syncs?limit=10${times(size, (n) => `&a${n}`)}` }),
    0,
    150,
    /^400 .*more than 100 parameters/,
  ),
  row(
    "one parameter many times",
    (size) => ({ path: `syncs?limit=10${"&limit=10".repeat(size)}` }),
    0,
    90,
    /^400 .*given more than once/,
  ),
  row(
    "a long continuation",
    (size) => ({ path: `syncs${size ? `?continuation=${"A".repeat(size)}` : ""}` }),
    0,
    5_000,
    /^400 .*continuation/,
  ),
  row(
    "a continuation nested deep",
    (size) => ({
      path: `syncs${size ? `?continuation=${continuation("[".repeat(size) + "]".repeat(size))}` : ""}`,
    }),
    0,
    700,
    /^400 .*not a continuation/,
  ),
  row(
    "a limit beyond all",
    (size) => ({ path: `syncs?limit=${size ? "9".repeat(size) : "10"}` }),
    0,
    5_000,
    /^400 .*query\.limit/,
  ),
  row("an escape that is none", (size) => ({ path: `syncs${size ? "/%zz" : ""}` }), 0, 1, /^400 /),
  row(
    "a long id in the path",
    (size) => ({ path: `syncs${size ? `/${"a".repeat(size)}` : ""}` }),
    0,
    5_000,
    /^400 .*path\.id/,
  ),
  row(
    "a long condition",
    (size) => ({
      method: size ? "PUT" : "GET",
      path: size ? "syncs/people" : "syncs",
      headers: size
        ? { "if-match": `"${"x".repeat(size)}"`, "content-type": "application/json" }
        : {},
      ...(size ? { body: "{}" } : {}),
    }),
    0,
    10_000,
    /^400 .*header\.if-match/,
  ),
  row(
    "a long media type",
    (size) => ({
      method: size ? "PUT" : "GET",
      path: size ? "syncs/people" : "syncs",
      headers: size ? { "content-type": `a/${"b".repeat(size)}` } : {},
      ...(size ? { body: "{}" } : {}),
    }),
    0,
    10_000,
    /^415 /,
  ),
  row(
    "a body that says that it is larger than the host takes",
    (size) => ({
      method: size ? "PUT" : "GET",
      path: size ? "syncs/people" : "syncs",
      headers: size ? { "content-type": "application/json", "content-length": String(size) } : {},
      ...(size ? { body: "x".repeat(size) } : {}),
    }),
    0,
    3_000_000,
    /^413 /,
  ),
  row(
    "a body without a length that is larger than the host takes",
    (size) => ({
      method: size ? "PUT" : "GET",
      path: size ? "syncs/people" : "syncs",
      headers: size ? { "content-type": "application/json", "transfer-encoding": "chunked" } : {},
      ...(size ? { body: "x".repeat(size) } : {}),
    }),
    0,
    3_000_000,
    /^413 /,
  ),
  row(
    "a body that is compressed",
    (size) => ({
      method: size ? "PUT" : "GET",
      path: size ? "syncs/people" : "syncs",
      headers: size ? { "content-type": "application/json", "content-encoding": "gzip" } : {},
      ...(size ? { body: "\u001f\u008b\b" } : {}),
    }),
    0,
    1,
    /^400 /,
  ),
];
