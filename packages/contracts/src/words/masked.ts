/**
 * Takes secrets out of a text that somebody else wrote: peers echo what they were sent, and an error message of a
 * database, of Microsoft Graph or of an HTTP library may hold a connection string, a token or a password. Used where
 * such texts enter logs, replies and documents. Every pattern is linear: none repeats what another part of it repeats.
 */
const HIDDEN = "[redacted]";

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
  // Password=…; SharedAccessKey=…; client_secret: "…"; "password":"…"; ?sig=…
  [
    /\b(password|passwd|pwd|passphrase|sharedaccesskey|accountkey|accesskey|access_key|api[_-]?key|client[_-]?secret|client_assertion|refresh_token|access_token|id_token|secret|sig|authkey|x-functions-key|code_verifier)("?\s{0,5}[=:]\s{0,5})(?:"[^"\n]{1,2000}"?|'[^'\n]{1,2000}'?|[^\s;,&"'}]{1,2000})/gi,
    `$1$2${HIDDEN}`,
  ],
];

/** @returns the text with each secret replaced; a text without any as it is */
export function masked(text: string): string {
  let result = text;
  for (const [pattern, replacement] of patterns) result = result.replace(pattern, replacement);
  return result;
}
