import { describe, expect, it } from "vitest";
import { ofTransfer, PORTION } from "./arrived";

interface Folder {
  [name: string]: Folder | string;
}

/** What a browser makes of a folder: entries, told of `lot` at a time. */
function folderEntry(path: string, content: Folder, lot: number): FileSystemDirectoryEntry {
  const entries = Object.entries(content).map(([name, inside]) => entryOf(`${path}/${name}`, inside, lot));
  const createReader = () => {
    let at = 0;
    return { readEntries: (tell: (some: FileSystemEntry[]) => void) => tell(entries.slice(at, (at += lot))) };
  };
  return { isFile: false, isDirectory: true, fullPath: path, createReader } as unknown as FileSystemDirectoryEntry;
}

function entryOf(path: string, inside: Folder | string, lot: number): FileSystemEntry {
  if (typeof inside !== "string") return folderEntry(path, inside, lot);
  const file = (tell: (file: File) => void) => tell(new File([inside], path.split("/").at(-1)!));
  return { isFile: true, isDirectory: false, fullPath: path, file } as unknown as FileSystemFileEntry;
}

function dropped(content: Folder, lot = 100): DataTransfer {
  const items = Object.entries(content).map(([name, inside]) => ({
    kind: "file",
    webkitGetAsEntry: () => entryOf(`/${name}`, inside, lot),
    getAsFile: () => (typeof inside === "string" ? new File([inside], name) : null),
  }));
  return { items } as unknown as DataTransfer;
}

const names = async (transfer: DataTransfer) => (await ofTransfer(transfer)).map(({ name }) => name);

describe("what was dropped", () => {
  it("is every file, with the path inside the folder it came from", async () => {
    const disc = { DICOM: { ST1: { IM1: "1", IM2: "2" } }, "AUTORUN.INF": "a" };
    expect(await names(dropped({ "one.dcm": "x", DISC: disc }))).toEqual([
      "one.dcm", "DISC/AUTORUN.INF", "DISC/DICOM/ST1/IM1", "DISC/DICOM/ST1/IM2",
    ]);
  });

  it("is complete, however many lie in a folder and however the browser tells of them", async () => {
    const many = Object.fromEntries(Array.from({ length: 2 * PORTION + 1 }, (_, at) => [`IM${at}`, "x"]));
    for (const lot of [10, 1000]) expect(await names(dropped({ DISC: many }, lot))).toEqual(Object.keys(many).map((name) => `DISC/${name}`));
  });

  it("leaves out what file managers put into folders, and what is no file", async () => {
    const text = { kind: "string", getAsFile: () => null } as DataTransferItem;
    const transfer = dropped({ DISC: { ".DS_Store": "x", "Thumbs.db": "x", IM1: "x" } });
    expect(await names({ items: [text, ...transfer.items] } as unknown as DataTransfer)).toEqual(["DISC/IM1"]);
  });

  it("is a picture from the clipboard, which has no place in a file system", async () => {
    const item = { kind: "file", webkitGetAsEntry: () => null, getAsFile: () => new File(["x"], "image.png") };
    expect(await names({ items: [item] } as unknown as DataTransfer)).toEqual(["image.png"]);
  });

  it("is nothing when a folder cannot be read: half of it must not pass for all", async () => {
    const readEntries = (_: unknown, fail: (error: Error) => void) => fail(new Error("gone"));
    const folder = { isFile: false, isDirectory: true, fullPath: "/CD", createReader: () => ({ readEntries }) };
    const item = { kind: "file", webkitGetAsEntry: () => folder, getAsFile: () => null };
    await expect(ofTransfer({ items: [item] } as unknown as DataTransfer)).rejects.toThrow("gone");
  });
});
