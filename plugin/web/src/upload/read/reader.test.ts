import { describe, expect, it } from "vitest";
import { readAll, type Found, type Progress } from "./reader";
import { contentOf, fileSource, type Source } from "./source";
import { part10, zip } from "./testing";
import { readEntry, listZip } from "./zip";

const file = (name: string, content: BlobPart) => fileSource(new File([content], name), `folder/${name}`);

async function read(sources: Source[], stopped = () => false): Promise<{ found: Found[]; last: Progress }> {
  const found: Found[] = [];
  let last: Progress = { found: [], read: 0, known: 0 };
  await readAll(sources, (progress) => { found.push(...progress.found); last = progress; }, stopped);
  return { found, last };
}

describe("looking into what was dropped", () => {
  it("finds the images, names the rest, and counts every file", async () => {
    const { found, last } = await read([
      file("a.dcm", part10({})),
      file("letter.txt", "Dear colleague, thank you for referring this patient to us. ".repeat(4)),
      file("empty", ""),
    ]);
    expect(found.map((each) => (each.kind === "refused" ? each.why : each.kind)).sort()).toEqual(["empty", "image", "not_dicom"]);
    expect(last).toMatchObject({ read: 3, known: 3 });
    expect(found.find((each) => each.kind === "refused" && each.why === "not_dicom")).toMatchObject({ name: "folder/letter.txt" });
  });

  it("opens a ZIP, keeps its folders in the names and gives back the very bytes", async () => {
    const image = part10({});
    const archive = await zip([
      { name: "disc/", content: new Uint8Array() },
      { name: "disc/IM1", content: image },
      { name: "disc/IM2", content: image, store: true },
      { name: "disc/secret", content: image, encrypted: true },
      { name: "disc/readme.txt", content: new Uint8Array(300).fill(65) },
    ]);
    const { found, last } = await read([file("cd.zip", archive)]);
    const images = found.filter((each) => each.kind === "image");
    expect(images.map(({ source }) => source.name).sort()).toEqual(["folder/cd.zip/disc/IM1", "folder/cd.zip/disc/IM2"]);
    for (const { source } of images) expect(new Uint8Array(await (await contentOf(source)).arrayBuffer())).toEqual(image);
    expect(found.filter((each) => each.kind === "refused").map(({ why }) => why).sort()).toEqual(["not_dicom", "zip_locked"]);
    expect(last).toMatchObject({ read: 4, known: 4 });
  });

  it("opens ZIPs inside a ZIP like folders, and gives back the very bytes", async () => {
    const image = part10({});
    const inner = await zip([{ name: "IM1", content: image }, { name: "a.txt", content: new Uint8Array(300).fill(65) }]);
    const middle = await zip([{ name: "anna.zip", content: inner }, { name: "stored.ZIP", content: inner, store: true }]);
    const { found } = await read([file("cd.zip", await zip([{ name: "day/all.zip", content: middle }, { name: "viewer.jar", content: inner }]))]);
    const images = found.filter((each) => each.kind === "image");
    expect(images.map(({ source }) => source.name).sort()).toEqual(["folder/cd.zip/day/all.zip/anna.zip/IM1", "folder/cd.zip/day/all.zip/stored.ZIP/IM1"]);
    for (const { source } of images) expect(new Uint8Array(await (await contentOf(source)).arrayBuffer())).toEqual(image);
    expect(found.filter((each) => each.kind === "refused").map(({ name }) => name).sort()).toEqual([
      "folder/cd.zip/day/all.zip/anna.zip/a.txt",
      "folder/cd.zip/day/all.zip/stored.ZIP/a.txt",
      "folder/cd.zip/viewer.jar",
    ]);
  });

  it("names the archive inside an archive that it does not open, and why", async () => {
    let deep = await zip([{ name: "IM1", content: part10({}) }]);
    for (let level = 0; level < 4; level++) deep = await zip([{ name: `${level}.zip`, content: deep }]);
    const bomb = await zip([{ name: "blank.zip", content: new Uint8Array(9), claims: 80_000_000 }]);
    const broken = await zip([{ name: "half.zip", content: deep.subarray(0, deep.length - 30) }, { name: "locked.zip", content: deep, encrypted: true }]);
    const { found } = await read([file("a.zip", deep), file("b.zip", bomb), file("c.zip", broken)]);
    expect(found.map((each) => (each.kind === "refused" ? [each.name.split("/").pop(), each.why] : each)).sort()).toEqual([
      ["0.zip", "zip_too_deep"],
      ["blank.zip", "zip_too_large"],
      ["half.zip", "zip_damaged"],
      ["locked.zip", "zip_locked"],
    ]);
  });

  it("tells PDFs and pictures from files that are nothing to us, by their first bytes", async () => {
    const starting = (start: number[]) => new Uint8Array([...start, ...new Uint8Array(300).fill(65)]);
    const { found } = await read([
      file("referral", starting([0x25, 0x50, 0x44, 0x46, 0x2d])),
      file("photo.dcm", starting([0xff, 0xd8, 0xff, 0xe0])),
      file("icon", starting([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])),
      file("lies.pdf", starting([0x47, 0x49])),
    ]);
    expect(found.map((each) => (each.kind === "document" ? each.type : each.kind)).sort()).toEqual(["application/pdf", "image/jpeg", "image/png", "refused"]);
  });

  it("says that a ZIP is damaged instead of finding nothing in it", async () => {
    const whole = await zip([{ name: "IM1", content: part10({}) }]);
    for (const broken of [whole.subarray(0, whole.length - 30), new Uint8Array([0x50, 0x4b, 3, 4, 9, 9])]) {
      expect((await read([file("cd.zip", broken)])).found).toMatchObject([{ kind: "refused", why: "zip_damaged" }]);
    }
  });

  it("loses none of many files, however they are told of", async () => {
    const names = Array.from({ length: 500 }, (_, at) => `IM${at}`);
    const { found } = await read(names.map((name) => file(name, part10({}))));
    expect(found.map((each) => (each.kind === "image" ? each.source.name : "")).sort()).toEqual(names.map((name) => `folder/${name}`).sort());
  });

  it("stops when told to", async () => {
    const { found } = await read(Array.from({ length: 20 }, (_, at) => file(`${at}`, part10({}))), () => true);
    expect(found).toEqual([]);
  });
});

describe("an entry of a ZIP", () => {
  it("gives no more than the bytes asked for", async () => {
    const blob = new Blob([await zip([{ name: "IM1", content: new Uint8Array(100_000).fill(7) }])]);
    const { entries } = await listZip(blob);
    expect((await readEntry(blob, entries[0]!, 1000)).size).toBe(1000);
  });

  it("that unpacks to more than it says is refused", async () => {
    const blob = new Blob([await zip([{ name: "IM1", content: new Uint8Array(100_000) }])]);
    const { entries } = await listZip(blob);
    await expect(readEntry(blob, { ...entries[0]!, size: 10 })).rejects.toThrow();
  });
});
