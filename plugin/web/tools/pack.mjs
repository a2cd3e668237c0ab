/** Writes a packed copy beside every text file of dist/: WhiteNoise serves that one to whoever accepts gzip. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const dist = join(dirname(fileURLToPath(import.meta.url)), "..", "dist");

for (const name of readdirSync(dist, { recursive: true })) {
  if (!/\.(js|css|html|svg)$/.test(name)) continue;
  const content = readFileSync(join(dist, name));
  const packed = gzipSync(content, { level: 9 });
  if (packed.length < content.length) writeFileSync(join(dist, `${name}.gz`), packed);
}
