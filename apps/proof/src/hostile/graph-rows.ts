import { type HostileRow, times } from "./hostile-row";

/** A response of Microsoft Graph to a delta query for groups. */
export interface GraphResponse {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * `BASE` stands for the address of the server, `OTHER` for one that nothing may be sent to, `LOGIN` for the server's
   * with a password, `FILL` for the filling.
   */
  readonly body: string;
  /** Made while it is sent: who sends has no more memory than who reads. */
  readonly fill?: { readonly character: string; readonly count: number };
  /** How often the body is compressed, in order; also what the response says. */
  readonly encodings?: readonly ("gzip" | "br")[];
  /** Bytes at the end of the compressed body that are not sent. */
  readonly cut?: number;
}

const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const link = '"@odata.deltaLink":"BASE/v1.0/groups/delta?$deltatoken=t"';
const group = (n: number, more = ""): string => `{"id":"${id(n)}","displayName":"g${n}"${more}}`;
/** The odd one stands between two others. */
const page = (odd: string, end = link): string =>
  `{"value":[${group(1)},${odd === "" ? "" : `${odd},`}${group(2)}],${end}}`;
const member = (n: number): string => `{"@odata.type":"#microsoft.graph.user","id":"${id(n)}"}`;
const oddValue = (value: (size: number) => string) => (size: number) => ({
  body: page(group(3, `,"mail":${value(size)}`)),
});

const row = (
  name: string,
  make: (size: number) => GraphResponse,
  within: number,
  beyond: number,
  says: RegExp,
): HostileRow<GraphResponse> => ({ name, make, within, beyond, says });

const LEFT_OUT = (why: string): RegExp => new RegExp(`3 objects, one cannot be read: .*${why}`);
const MB = 1024 * 1024;
const BYTES = /more than 8388608 bytes/;

export const graphRows: readonly HostileRow<GraphResponse>[] = [
  // One object: its neighbours go on.
  row(
    "a list nested deep",
    oddValue((size) => "[".repeat(size) + "]".repeat(size)),
    10,
    20_000,
    LEFT_OUT("'mail' is nested"),
  ),
  row(
    "an object nested deep",
    oddValue((size) => `${'{"a":'.repeat(size)}1${"}".repeat(size)}`),
    10,
    20_000,
    LEFT_OUT("'mail' is nested"),
  ),
  row(
    "a value nested a million deep",
    oddValue((size) => "[".repeat(size) + "]".repeat(size)),
    10,
    1_000_000,
    LEFT_OUT("'mail' has more than 262144 bytes"),
  ),
  row(
    "a long text",
    oddValue((size) => `"${"x".repeat(size)}"`),
    30_000,
    5 * MB,
    LEFT_OUT("more than 262144 bytes"),
  ),
  row(
    "a long list",
    oddValue((size) => `[${"1,".repeat(size)}1]`),
    5_000,
    60_000,
    LEFT_OUT("more than 20000 values"),
  ),
  row(
    "objects in a list",
    oddValue((size) => `[${"{},".repeat(size)}{}]`),
    5_000,
    60_000,
    LEFT_OUT("more than 20000 values"),
  ),
  row(
    "a property that is not mapped, nested deep",
    (size) => ({
      body:
        page(group(3, `,"other":${"[".repeat(size)}${"]".repeat(size)}`)) + (size > 100 ? "x" : ""),
    }),
    100,
    20_000,
    /something follows/,
  ),
  row(
    "an id of another form",
    (size) => ({ body: page(size ? '{"id":"../../me"}' : "") }),
    0,
    1,
    /2 objects, unreadable group/,
  ),
  row(
    "an id that is a list",
    (size) => ({ body: page(size ? '{"id":[1]}' : "") }),
    0,
    1,
    /2 objects, unreadable group/,
  ),
  row(
    "a long id",
    (size) => ({ body: page(`{"id":"${"a".repeat(size)}"}`) }),
    36,
    10_000,
    /2 objects, unreadable group/,
  ),
  row(
    "no id",
    (size) => ({ body: page(size ? '{"displayName":"x"}' : "") }),
    0,
    1,
    /2 objects, unreadable group/,
  ),
  row(
    "a text in the place of an object",
    (size) => ({ body: page(size ? '"x"' : "") }),
    0,
    1,
    /2 objects, unreadable group/,
  ),
  row(
    "null in the place of an object",
    (size) => ({ body: page(size ? "null" : "") }),
    0,
    1,
    /2 objects, unreadable group/,
  ),
  row(
    "__proto__ in the place of a property",
    (size) => ({
      body: page(
        group(3, size ? `,"__proto__":{"id":"x"},"mail":${"[".repeat(40)}${"]".repeat(40)}` : ""),
      ),
    }),
    0,
    1,
    LEFT_OUT("nested"),
  ),
  row(
    "a member without an id",
    (size) => ({
      body: page(group(3, `,"members@delta":[${member(9)}${size ? ',{"x":1}' : ""}]`)),
    }),
    0,
    1,
    /3 objects, unreadable membership/,
  ),
  row(
    "a member nested deep",
    (size) => ({
      body: page(
        group(
          3,
          `,"members@delta":[${member(9)}${size ? `,{"id":"x","a":${"[".repeat(size)}${"]".repeat(size)}}` : ""}]`,
        ),
      ),
    }),
    0,
    20_000,
    /3 objects, unreadable membership/,
  ),
  // A page: refused as a whole, by name.
  row(
    "members",
    (size) => ({
      body: page(
        group(3, `,"members@delta":[${times(size, (n) => `${n ? "," : ""}${member(n)}`)}]`),
      ),
    }),
    10_000,
    30_000,
    /more than 20000 members/,
  ),
  row(
    "members of many groups",
    (size) => ({
      body: page(
        times(
          50,
          (g) =>
            `${g ? "," : ""}${group(g + 10, `,"members@delta":[${times(size, (n) => `${n ? "," : ""}${member(n)}`)}]`)}`,
        ),
      ),
    }),
    300,
    1_800,
    /more than 20000 members/,
  ),
  row(
    "objects",
    (size) => ({ body: page(times(size, (n) => `${n ? "," : ""}${group(n + 10)}`)) }),
    5_000,
    50_000,
    /more than 10000 objects/,
  ),
  row(
    "mapped values of all objects",
    (size) => ({
      body: page(
        times(size, (n) => `${n ? "," : ""}${group(n + 10, `,"mail":[${"1,".repeat(9_000)}1]`)}`),
      ),
    }),
    20,
    200,
    /more than 500000 values/,
  ),
  row(
    "bytes",
    (size) => filled(group(3, ',"other":"FILL"'), "x", size, true),
    4 * MB,
    64 * MB,
    BYTES,
  ),
  row("white space", (size) => filled("FILL", " ", size), MB, 64 * MB, BYTES),
  row(
    "text that is not JSON",
    (size) => ({ body: size ? "<html>".repeat(size) : page("") }),
    0,
    50_000,
    /not JSON at byte 1/,
  ),
  row(
    "JSON that was cut",
    (size) => ({ body: size ? page("").slice(0, -size) : page("") }),
    0,
    20,
    /not JSON at byte/,
  ),
  row("no value", (size) => ({ body: size ? `{${link}}` : page("") }), 0, 1, /without a value/),
  row(
    "a value that is an object",
    (size) => ({ body: size ? `{"value":{},${link}}` : page("") }),
    0,
    1,
    /expected a list/,
  ),
  row(
    "neither of the links",
    (size) => ({ body: page("", size ? '"x":1' : link) }),
    0,
    1,
    /neither a nextLink/,
  ),
  row(
    "a long link",
    (size) => ({
      body: page("", `"@odata.deltaLink":"BASE/v1.0/groups/delta?$deltatoken=${"t".repeat(size)}"`),
    }),
    2_000,
    100_000,
    /@odata\.deltaLink/,
  ),
  row(
    "a link that is a list",
    (size) => ({
      body: page(
        "",
        `"@odata.deltaLink":${size ? "[".repeat(size) + "]".repeat(size) : '"BASE/x"'}`,
      ),
    }),
    0,
    20_000,
    /nested more than|@odata/,
  ),
  row(
    "a link to another host",
    (size) => ({
      body: page("", `"@odata.deltaLink":"${size ? "https://graph.example" : "BASE"}/x"`),
    }),
    0,
    1,
    /'https:\/\/graph\.example' instead/,
  ),
  row(
    "a link to another port",
    (size) => ({ body: page("", `"@odata.nextLink":"${size ? "OTHER" : "BASE"}/x"`) }),
    0,
    1,
    /it is not followed/,
  ),
  row(
    "a link without TLS",
    (size) => ({ body: page("", `"@odata.nextLink":"${size ? "ftp://127.0.0.1" : "BASE"}/x"`) }),
    0,
    1,
    /it is not followed/,
  ),
  row(
    "a link with a login",
    (size) => ({ body: page("", `"@odata.nextLink":"${size ? "LOGIN" : "BASE"}/x"`) }),
    0,
    1,
    /it is not followed/,
  ),
  row(
    "a link that is no address",
    (size) => ({ body: page("", `"@odata.nextLink":"${size ? "delta?x" : "BASE/x"}"`) }),
    0,
    1,
    /no address/,
  ),
  row(
    "a redirect",
    (size) =>
      size ? { status: 302, headers: { location: "OTHER/x" }, body: "" } : { body: page("") },
    0,
    1,
    /redirects are not followed/,
  ),
  row(
    "an error with a token in it",
    (size) =>
      size
        ? { status: 403, body: `{"error":{"code":"Bearer ${"a".repeat(size)}"}}` }
        : { body: page("") },
    0,
    40,
    /403 Bearer \[redacted\]/,
  ),
  row(
    "an error without end",
    (size) => (size ? { status: 400, body: "x".repeat(size) } : { body: page("") }),
    0,
    20 * MB,
    /answered 400/,
  ),
  row(
    "an error nested deep",
    (size) => (size ? { status: 400, body: `{"error":${"[".repeat(size)}` } : { body: page("") }),
    0,
    30_000,
    /answered 400/,
  ),
  // Compressed.
  row(
    "a gzip bomb",
    (size) => ({ ...filled("FILL", " ", size), encodings: ["gzip"] }),
    MB,
    200 * MB,
    BYTES,
  ),
  row(
    "a gzip bomb in a text",
    (size) => ({ ...filled(group(3, ',"mail":"FILL"'), "x", size, true), encodings: ["gzip"] }),
    30_000,
    200 * MB,
    BYTES,
  ),
  row(
    "a gzip bomb in a text that is not mapped",
    (size) => ({ ...filled(group(3, ',"other":"FILL"'), "x", size, true), encodings: ["gzip"] }),
    MB,
    200 * MB,
    BYTES,
  ),
  row(
    "a gzip bomb of brackets",
    (size) => ({ ...filled(group(3, ',"other":FILL'), "[", size, true), encodings: ["gzip"] }),
    0,
    100 * MB,
    BYTES,
  ),
  row(
    "a brotli bomb",
    (size) => ({ ...filled("FILL", " ", size), encodings: ["br"] }),
    MB,
    200 * MB,
    BYTES,
  ),
  row(
    "gzip within gzip",
    (size) => ({ ...filled("FILL", " ", size), encodings: ["gzip", "gzip"] }),
    MB,
    200 * MB,
    BYTES,
  ),
  row(
    "gzip within brotli within gzip",
    (size) => ({ ...filled("FILL", " ", size), encodings: ["gzip", "br", "gzip"] }),
    MB,
    200 * MB,
    BYTES,
  ),
  row(
    "gzip that was cut",
    (size) => ({ body: page(group(3)), encodings: ["gzip"], cut: size }),
    0,
    30,
    /was not reached|does not answer|not JSON/,
  ),
  row(
    "a gzip bomb as an error",
    (size) =>
      size
        ? { ...filled("FILL", " ", size), status: 400, encodings: ["gzip"] }
        : { body: page("") },
    0,
    200 * MB,
    /answered 400/,
  ),
];

/** A page with a filling: after its end, or within its odd object. */
function filled(place: string, character: string, count: number, inside = false): GraphResponse {
  const body = inside ? page(place) : `${page("")}${place}`;
  return count === 0 ? { body: page("") } : { body, fill: { character, count } };
}
