// @vitest-environment happy-dom
import { act, screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import type { Order, Patient } from "../api/types";
import { shown } from "../testing/page";
import { UploadContext } from "./context";
import { UploadDesk } from "./desk";
import { readHeader } from "./read/header";
import type { Answer, Request } from "./read/messages";
import type { Found } from "./read/reader";
import { fileSource } from "./read/source";
import { part10 } from "./read/testing";
import { Review } from "./Review";
import type { Uploader } from "./uploader";

type Evidence = { field: string; grade: string; agrees: boolean; detail: string };
const said = (field: string, grade: string): Evidence => ({ field, grade, agrees: grade !== "other", detail: `${field} is ${grade}` });
const SAME = said("PatientID", "same");
const OTHER = said("PatientSex", "other");

function image(name: string, study: string): Found {
  const content = part10({ x0020000d: ["UI", study], x0020000e: ["UI", `${study}.1`], x00100010: ["PN", "DOE^JANE"], x00100020: ["LO", "M1"], x00081030: ["LO", `Study ${study}`] });
  const reading = readHeader(content, true);
  if (reading.kind !== "header") throw new Error(reading.kind);
  return { kind: "image", source: fileSource(new File([content], name), name), header: reading.header };
}

/** Files on the table whose reader the test drives; `evidence` is what the server says of each study. */
function reviewing(evidence: Readonly<Record<string, Evidence[]>>, order = false) {
  let tell: (answer: Answer) => void = () => {};
  const asked: Request[] = [];
  const timers: (() => void)[] = [];
  const desk = new UploadDesk({
    openReader: (answer) => { tell = answer; return { post: (request) => void asked.push(request) }; },
    later: (_ms, call) => { timers.push(call); return () => {}; },
    pictureUrl: () => "data:,",
    dropUrl: () => {},
  });
  const begin = vi.fn();
  const items = Object.entries(evidence).map(([ref, of]) => ({
    ref, differences: [], study: null, refused: null,
    match: { kind: "exact", score: 1, automatic: true, patient_id: "p", order_id: "o", evidence: of },
  }));
  const page = shown(
    <UploadContext value={{ desk, uploader: { begin } as unknown as Uploader }}>
      <Review />
    </UploadContext>,
    { "POST match": [200, { items }] },
  );
  const passed = () => { for (const call of timers.splice(0)) call(); };
  const pass = () => act(passed);
  const choose = (...names: string[]) =>
    act(() => {
      if (order) desk.startFor({ order: { id: "o", patient_id: "p", accession_number: "A1" } as Order, patient: { id: "p", sex: "female" } as Patient });
      desk.add(names.map((name) => ({ file: new File(["x"], name), name })));
      passed();
    });
  const read = (...found: Found[]) => {
    const last = asked.filter((each) => each.kind === "read").at(-1);
    const run = last?.kind === "read" ? last.run : 0;
    act(() => {
      tell({ kind: "progress", run, progress: { found, read: found.length, known: found.length } });
      tell({ kind: "done", run });
      passed();
    });
  };
  return { ...page, begin, choose, read, pass, user: userEvent.setup(), send: () => screen.getByRole<HTMLButtonElement>("button", { name: "Send" }) };
}

describe("files that were chosen", () => {
  it("cannot be sent while they are looked into, and are sent when nothing is in doubt", async () => {
    const { choose, read, send, begin, user } = reviewing({ "1.2": [SAME] });
    choose("a", "b");
    expect(send().disabled).toBe(true);
    expect(screen.getByText("Files are still being read.")).toBeTruthy();
    read(image("a", "1.2"), image("b", "1.2"));
    await waitFor(() => expect(send().disabled).toBe(false));
    expect(screen.getByText(/^2 files in 1 study/)).toBeTruthy();
    await user.click(send());
    expect(begin).toHaveBeenCalledOnce();
    expect(begin.mock.calls[0]![0]).toMatchObject([{ group: "1.2" }, { group: "1.2" }]);
  });

  it("that name somebody else wait for a person who has compared them", async () => {
    const { choose, read, send, user, pass } = reviewing({ "1.2": [SAME, OTHER] });
    choose("a");
    read(image("a", "1.2"));
    expect(await screen.findByText("1 study still needs your answer.")).toBeTruthy();
    expect(send().disabled).toBe(true);
    expect(screen.getByRole("list", { name: "These files name another patient or order" }).textContent).toContain("PatientSex is other");
    await user.click(screen.getByRole("checkbox", { name: "I have compared them: these images are of this patient" }));
    pass();
    await waitFor(() => expect(send().disabled).toBe(false));
  });

  it("of a study that is taken out are not sent, and without any there is nothing to send", async () => {
    const { choose, read, send, user, pass } = reviewing({ "1.2": [SAME] });
    choose("a");
    read(image("a", "1.2"));
    await waitFor(() => expect(send().disabled).toBe(false));
    await user.click(screen.getByRole("checkbox", { name: "Send this study" }));
    pass();
    expect(await screen.findByText("No study is chosen for sending.")).toBeTruthy();
    expect(send().disabled).toBe(true);
  });

  it("for an order leave out the study of somebody else on the same disc, and say so", async () => {
    const { choose, read, pass, send } = reviewing({ "1.2": [SAME], "1.3": [OTHER] }, true);
    choose("a", "b");
    read(image("a", "1.2"), image("b", "1.3"));
    await waitFor(() => {
      pass();
      expect(screen.getByText(/^1 file in 1 study/)).toBeTruthy();
    });
    expect(screen.getByRole<HTMLInputElement>("checkbox", { name: "Send this study", checked: false }).closest("article")!.getAttribute("aria-label")).toContain("Study 1.3");
    expect(send().disabled).toBe(false);
  });

  it("that are damaged are sent along only as long as the person wants it", async () => {
    const { choose, read, user, pass } = reviewing({});
    choose("x");
    read({ kind: "damaged", source: fileSource(new File(["x"], "x"), "x") });
    expect(await screen.findByText(/^1 file in 0 studies/)).toBeTruthy();
    await user.click(screen.getByRole("checkbox", { checked: true }));
    pass();
    expect(await screen.findByText("No study is chosen for sending.")).toBeTruthy();
  });
});
