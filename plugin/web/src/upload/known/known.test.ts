import { describe, expect, it } from "vitest";
import type { Ask, Asking } from "../../api/client";
import { fileSource, type Source } from "../read/source";
import { sha256Of } from "./hash";
import { isSkippable, readKnown, type KnownFile } from "./known";
import { createLookUp } from "./lookUp";

const source = (content: string) => fileSource(new File([content], "f"), "f");
function inPieces(bytes: Uint8Array<ArrayBuffer>, size: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.subarray(at, at + size));
      controller.close();
    },
  });
}

const linked: KnownFile = { studyInstanceUid: "1", link: { status: "linked", patientId: "p", orderId: "o" } };

describe("a file's digest", () => {
  it("is the SHA-256 of its bytes", async () => {
    expect(await sha256Of(source("abc"))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });

  it("is the same piece by piece, whatever the length", async () => {
    for (const length of [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 1000, 300_000]) {
      const bytes = Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 7)) & 255);
      const whole = fileSource(new File([bytes], "f"), "f");
      expect(await sha256Of(whole, -1), `${length} bytes`).toBe(await sha256Of(whole));
      const slow = fileSource(Object.assign(new File([bytes], "f"), { stream: () => inPieces(bytes, 37) }), "f");
      expect(await sha256Of(slow, -1), `${length} bytes in pieces`).toBe(await sha256Of(whole));
    }
  });

  it("is not made of what cannot be read", async () => {
    const gone: Source = { ...source(""), entry: { name: "x", size: 5, packedSize: 5, offset: 0, deflated: false } };
    expect(await sha256Of(gone)).toBe(null);
  });
});

describe("asking what the server has", () => {
  const asked: Asking[] = [];
  const answering = (answer: unknown): Ask => (async (_path: string, asking: Asking) => { asked.push(asking); return answer; }) as Ask;

  it("names each digest once and gives the answers back in order", async () => {
    const names = ["a", "b", "a", "?"];
    const hash = async ({ name }: Source) => (name === "?" ? null : name);
    const lookUp = createLookUp(answering({ files: [{ sha256: "a", study_instance_uid: "1" }], studies: [] }), hash);
    const found = await lookUp(names.map((name) => ({ ...source(""), name })), new AbortController().signal);
    expect(asked.at(-1)?.body).toEqual({ sha256: ["a", "b"] });
    expect(found.map((each) => each.known?.studyInstanceUid ?? null)).toEqual(["1", null, "1", null]);
    expect(found.map((each) => each.sha256)).toEqual(["a", "b", "a", null]);
  });

  it("hashes nothing more when it was called off", async () => {
    const controller = new AbortController();
    let hashed = 0;
    const lookUp = createLookUp(answering({}), async () => { hashed += 1; controller.abort(); return "a"; });
    await expect(lookUp([source("1"), source("2")], controller.signal)).rejects.toThrow();
    expect(hashed).toBe(1);
  });
});

describe("the server's answer", () => {
  it("is read with whose each study is, and nothing odd makes a file known", () => {
    const study = { study_instance_uid: "1", link_status: "linked", patient_id: "p", order_id: "o" };
    const known = readKnown({ files: [{ sha256: "a", study_instance_uid: "1" }, { sha256: "b", study_instance_uid: null }, 7], studies: [study] });
    expect([...known]).toEqual([["a", linked], ["b", { studyInstanceUid: null, link: null }]]);
    for (const odd of [null, "x", {}, { files: "a" }, { files: [{}] }]) expect(readKnown(odd).size).toBe(0);
  });
});

describe("whether a stored file need not be sent", () => {
  const untold: KnownFile = { studyInstanceUid: null, link: null };
  it.each([
    [linked, {}, true],
    [untold, {}, true],
    [linked, { orderId: "o" }, true],
    [linked, { orderId: "other" }, false],
    [untold, { orderId: "o" }, false],
    [linked, { patientId: "p" }, true],
    [linked, { patientId: "other" }, false],
    [linked, { orderId: "o", patientId: "other" }, false],
    [linked, { tags: { PatientID: "M" } }, false],
    [linked, { tags: {} }, true],
  ])("%j for %j: %s", (file, options, skippable) => {
    expect(isSkippable(file, options)).toBe(skippable);
  });
});
