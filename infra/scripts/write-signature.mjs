// Writes a signature as openssl reads it. Azure Key Vault gives two numbers of 32 bytes, one after the other (RFC 7518,
// 3.4); openssl reads a DER sequence of two integers.
// Usage: node write-signature.mjs BASE64 FILE
import { writeFileSync } from "node:fs";

const [text = "", file] = process.argv.slice(2);
const raw = Buffer.from(text, "base64");
if (raw.length !== 64 || !file) throw new Error("usage: node write-signature.mjs BASE64 FILE");

const integers = [raw.subarray(0, 32), raw.subarray(32)].map((number) => {
  let first = 0;
  while (first < number.length - 1 && number[first] === 0) first += 1;
  const shortest = number.subarray(first);
  // A first bit that is set would make it a negative number.
  const sign = shortest[0] >= 0x80 ? [0] : [];
  return Buffer.from([0x02, sign.length + shortest.length, ...sign, ...shortest]);
});
const body = Buffer.concat(integers);
writeFileSync(file, Buffer.from([0x30, body.length, ...body]));
