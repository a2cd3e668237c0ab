import { BlobReader, BlobWriter, TextReader, ZipWriter, type ZipWriterConstructorOptions } from "@zip.js/zip.js";
import { describe, expect, it } from "vitest";
import { listZip, readEntry } from "./zip";

const CONTENT = "A line that is worth packing. ".repeat(500);

/** An archive as another program writes it. */
async function written(options: ZipWriterConstructorOptions, more: { comment?: Uint8Array } = {}): Promise<Blob> {
  const writer = new ZipWriter(new BlobWriter(), { useWebWorkers: false, ...options });
  await writer.add("disc/", undefined, { directory: true });
  await writer.add("disc/ÄRZTE", new TextReader(CONTENT));
  await writer.add("disc/IM2", new BlobReader(new Blob([CONTENT])), { level: 0 });
  return writer.close(more.comment);
}

describe("a ZIP of another program", () => {
  it.each([
    ["with sizes after the data", { dataDescriptor: true }],
    ["with sizes before the data", { dataDescriptor: false }],
    ["in ZIP64", { zip64: true }],
    ["in ZIP64 with sizes after the data", { zip64: true, dataDescriptor: true }],
    ["with dates in extra fields", { extendedTimestamp: true }],
  ] as [string, ZipWriterConstructorOptions][])("%s gives back what was packed", async (_how, options) => {
    const archive = await written(options);
    const { entries, unreadable } = await listZip(archive);
    expect([entries.map(({ name, size }) => [name, size]), unreadable]).toEqual([[["disc/ÄRZTE", CONTENT.length], ["disc/IM2", CONTENT.length]], []]);
    for (const entry of entries) expect(await (await readEntry(archive, entry)).text()).toBe(CONTENT);
  });

  it("may have a comment at its end", async () => {
    const archive = await written({}, { comment: new Uint8Array(60_000).fill(0x50) });
    expect((await listZip(archive)).entries).toHaveLength(2);
  });

  it.each([
    ["AES", { encryptionStrength: 3 }],
    ["the old cipher", { zipCrypto: true }],
  ] as [string, ZipWriterConstructorOptions][])("locked with %s is named, not opened", async (_how, options) => {
    const { entries, unreadable } = await listZip(await written({ password: "x", ...options }));
    expect([entries, unreadable]).toEqual([[], ["disc/ÄRZTE", "disc/IM2"]]);
  });
});
