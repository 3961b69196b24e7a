// Writes a folder to a zip file. Names are sorted and times fixed, so that the same input gives the same bytes.
// Usage: node write-zip.mjs FOLDER FILE. Small files only (no zip64); needs crc32 of node:zlib (Node 22.2).
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { crc32, deflateRawSync } from "node:zlib";

const [folder, file] = process.argv.slice(2);
if (!folder || !file) throw new Error("usage: node write-zip.mjs FOLDER FILE");

/** 1980-01-01, the earliest date in a zip file. */
const DOS_DATE = 0x0021;
const UTF8_NAMES = 0x0800;
const DEFLATED = 8;
const VERSION = 20;
const REGULAR_0644 = (0o100644 << 16) >>> 0;

const names = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) =>
    path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join("/"),
  )
  .sort();

const bodies = [];
const directory = [];
let offset = 0;
for (const name of names) {
  const content = readFileSync(path.join(folder, name));
  const packed = deflateRawSync(content, { level: 9 });
  const label = Buffer.from(name, "utf8");
  const common = Buffer.alloc(26);
  common.writeUInt16LE(VERSION, 0);
  common.writeUInt16LE(UTF8_NAMES, 2);
  common.writeUInt16LE(DEFLATED, 4);
  common.writeUInt16LE(0, 6);
  common.writeUInt16LE(DOS_DATE, 8);
  common.writeUInt32LE(crc32(content), 10);
  common.writeUInt32LE(packed.length, 14);
  common.writeUInt32LE(content.length, 18);
  common.writeUInt16LE(label.length, 22);
  common.writeUInt16LE(0, 24);
  const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, label, packed]);
  const tail = Buffer.alloc(14);
  tail.writeUInt32LE(REGULAR_0644, 6);
  tail.writeUInt32LE(offset, 10);
  const madeBy = Buffer.from([VERSION, 3]); // 3 is Unix, so that the file mode is used
  directory.push(Buffer.concat([Buffer.from("PK\x01\x02", "latin1"), madeBy, common, tail, label]));
  bodies.push(local);
  offset += local.length;
}
const central = Buffer.concat(directory);
const end = Buffer.alloc(22);
end.write("PK\x05\x06", 0, "latin1");
end.writeUInt16LE(names.length, 8);
end.writeUInt16LE(names.length, 10);
end.writeUInt32LE(central.length, 12);
end.writeUInt32LE(offset, 16);
writeFileSync(file, Buffer.concat([...bodies, central, end]));
