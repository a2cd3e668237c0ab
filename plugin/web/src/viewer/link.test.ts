import { describe, expect, it } from "vitest";
import { narrowed, openedBy, tokenId } from "./link";

const ORIGIN = "https://pacs.example";
const link = (url: string) => ({ url, token: "a.b.c", expires_at: "2030-01-01T00:00:00Z", studies: ["1.2"] });

describe("the address of the viewer", () => {
  it("keeps the token behind the #, where no server sees it", () => {
    const opened = openedBy(link("/ohif/viewer?StudyInstanceUIDs=1.2,1.3&token=a.b-c_d.e"), ORIGIN);
    expect(opened).toEqual({ address: "https://pacs.example/ohif/viewer?StudyInstanceUIDs=1.2%2C1.3#token=a.b-c_d.e", own: true });
  });

  it("keeps the layout that the server asks for", () => {
    const opened = openedBy(link("/ohif/viewer?StudyInstanceUIDs=1.2,1.3&hangingProtocolId=@ohif/hpCompare&token=t"), ORIGIN);
    expect(new URL(opened?.address ?? "").searchParams.get("hangingProtocolId")).toBe("@ohif/hpCompare");
  });

  it("leaves a viewer elsewhere its link as it is", () => {
    const url = "https://viewer.example/v?StudyInstanceUIDs=1.2&token=t";
    expect(openedBy(link(url), ORIGIN)).toEqual({ address: url, own: false });
  });

  it("is none for anything but a web address", () => {
    for (const url of ["javascript:alert(1)", "data:text/html,x", "http://["]) expect(openedBy(link(url), ORIGIN)).toBeNull();
  });
});

describe("the address for some series", () => {
  it("names them beside the token, and none where all are meant", () => {
    const address = "https://pacs.example/ohif/viewer?StudyInstanceUIDs=1.2#token=t";
    expect(narrowed(address, [])).toBe(address);
    expect(new URL(narrowed(address, ["1.3", "1.4"])).searchParams.get("SeriesInstanceUIDs")).toBe("1.3,1.4");
    expect(new URL(narrowed(address, ["1.3"])).hash).toBe("#token=t");
  });
});

describe("a viewer token", () => {
  it("names the id under which it is taken back", () => {
    const payload = btoa(JSON.stringify({ jti: "f27f3fa9" })).replaceAll("=", "");
    expect(tokenId(`x.${payload}.y`)).toBe("f27f3fa9");
    expect(tokenId("not a token")).toBeNull();
  });
});
