/**
 * What a first visit loads, packed: index.html with every script and style it names, directly or by static import.
 * Fails above the limit, so that a library that belongs to one page is noticed before it slows down all of them.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const LIMIT_KB = 300;
const dist = join(dirname(fileURLToPath(import.meta.url)), "..", "dist");

const html = readFileSync(join(dist, "index.html"));
const waiting = [...html.toString().matchAll(/(?:src|href)="\/ehr\/([^"]+\.(?:js|css))"/g)].map((found) => found[1]);
const sizes = new Map([["index.html", gzipSync(html).length]]);
while (waiting.length > 0) {
  const name = waiting.pop();
  if (sizes.has(name)) continue;
  const content = readFileSync(join(dist, name));
  sizes.set(name, gzipSync(content).length);
  // `import x from "./y.js"` and `import "./y.js"`; `import("./y.js")` is loaded later.
  for (const [, file] of content.toString().matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) waiting.push(join(dirname(name), file));
}

const total = [...sizes.values()].reduce((sum, size) => sum + size, 0) / 1000;
console.log(`first load: ${total.toFixed(1)} kB gzip of ${LIMIT_KB}, in ${sizes.size} files`);
if (total > LIMIT_KB) {
  console.error([...sizes].map(([name, size]) => `${(size / 1000).toFixed(1)} kB ${name}`).join("\n"));
  process.exit(1);
}
