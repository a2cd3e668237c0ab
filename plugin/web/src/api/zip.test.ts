import { describe, expect, it } from "vitest";
import { ApiError } from "./errors";
import { headerText } from "./files";
import { readZip } from "./zip";

const end = Uint8Array.from([0x50, 0x4b, 5, 6, ...Array<number>(18).fill(0)]);
const answer = (...parts: BlobPart[]) => new Response(new Blob(parts));

describe("a downloaded archive", () => {
  it("is counted and handed over when its last record came", async () => {
    let seen = 0;
    const archive = await readZip(answer(new Uint8Array(1000), end), (bytes) => (seen = bytes));
    expect([archive.size, seen]).toEqual([1022, 1022]);
  });

  it.each([
    ["without its last bytes", [new Uint8Array(1000), end.slice(0, 21)]],
    ["that is empty", []],
  ])("%s is an error, not a file", async (_what, parts) => {
    const failed = await readZip(answer(...parts), () => {}).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(ApiError);
    expect((failed as ApiError).code).toBe("cut_off");
  });
});

describe("a reason in a header", () => {
  it("is its UTF-8 bytes", () => {
    expect(headerText("für")).toBe("f\u00c3\u00bcr");
    expect(headerText("plain")).toBe("plain");
  });
});
