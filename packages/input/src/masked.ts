/**
 * Takes secrets out of a text that somebody else wrote: peers echo what they were sent, and an error message of a
 * database, of Microsoft Graph or of an HTTP library may hold a connection string, a token or a password. Used where
 * such texts enter logs, replies and documents. Every pattern is linear: none repeats what another part of it repeats.
 */
const HIDDEN = "[redacted]";

const NAMES =
  "password|passwd|pwd|passphrase|sharedaccesskey|accountkey|accesskey|access_key|api[_-]?key|client[_-]?secret|" +
  "client_assertion|refresh_token|access_token|id_token|secret|sig|authkey|x-functions-key|code_verifier";
const QUOTED = String.raw`"[^"\n]{1,2000}"?|'[^'\n]{1,2000}'?`;
const BARE = String.raw`[^\s;,&"'}]{1,2000}`;

function secretNamed(separator: string, value: string): RegExp {
  return new RegExp(`\\b(${NAMES})(${separator})(?:${value})`, "gi");
}

const patterns: readonly (readonly [RegExp, string])[] = [
  // A PEM block, to its end or to the end of the text.
  [
    /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)/g,
    HIDDEN,
  ],
  // A JSON Web Token, also one that was cut off.
  [/\beyJ[\w-]{8,}(?:\.[\w-]*){0,4}/g, HIDDEN],
  // Authorization: Bearer …, Basic …, SharedAccessSignature …
  [/\b(bearer|basic|sharedaccesssignature)([ \t]+)[\w.~+/=%&:-]{16,}/gi, `$1$2${HIDDEN}`],
  // scheme://user:password@host
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/?#@]{0,200}):[^\s/?#@]{1,500}@/gi, `$1:${HIDDEN}@`],
  // Password=…; SharedAccessKey=…; client_secret="…"; ?sig=…
  [secretNamed(String.raw`"?\s{0,5}=\s{0,5}`, `${QUOTED}|${BARE}`), `$1$2${HIDDEN}`],
  // "password":"…", password: abc1. After a colon a bare word without a digit may be prose: `password: too short`.
  [
    secretNamed(
      String.raw`"?\s{0,5}:\s{0,5}`,
      String.raw`${QUOTED}|(?=[^\s;,&"'}]{0,200}\d)${BARE}`,
    ),
    `$1$2${HIDDEN}`,
  ],
];

/**
 * The same for what a log line or a document holds: texts at any depth, errors by name and message.
 *
 * @param depth levels that are looked at; what lies deeper is left out
 */
export function maskedFields(value: unknown, depth = 6): unknown {
  if (typeof value === "string") return masked(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth === 0) return HIDDEN;
  if (value instanceof Error) return { name: value.name, message: masked(value.message) };
  if ("toJSON" in value && typeof value.toJSON === "function") return value;
  if (Array.isArray(value)) return value.map((item) => maskedFields(item, depth - 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, maskedFields(inner, depth - 1)]),
  );
}

/** @returns the text with each secret replaced; a text without any as it is */
export function masked(text: string): string {
  let result = text;
  for (const [pattern, replacement] of patterns) result = result.replace(pattern, replacement);
  return result;
}
