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

function image(name: string, study: string, said: Record<string, [string, string]> = {}): Found {
  const content = part10({ x0020000d: ["UI", study], x0020000e: ["UI", `${study}.1`], x00100010: ["PN", "DOE^JANE"], x00100020: ["LO", "M1"], x00081030: ["LO", `Study ${study}`], ...said });
  const reading = readHeader(content, true);
  if (reading.kind !== "header") throw new Error(reading.kind);
  return { kind: "image", source: fileSource(new File([content], name), name), header: reading.header };
}

const PATIENT = { id: "p", mrn: "M1", issuer: null, family_name: "Doe", given_name: "Jane", birth_date: "1961-03-14", sex: "female" };
const paper = (name: string, type = "application/pdf"): Found => ({ kind: "document", type, source: fileSource(new File(["%PDF-1.7"], name), name) });

/** Files on the table whose reader the test drives; `evidence` is what the server says of each study, `match` of them all. */
function reviewing(evidence: Readonly<Record<string, Evidence[]>>, order = false, match: Record<string, unknown> = {}) {
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
    match: { kind: "exact", score: 1, automatic: true, patient_id: "p", order_id: "o", evidence: of, ...match },
  }));
  const answers: Record<string, [number, unknown]> = { "POST match": [200, { items }], "GET patients/p": [200, PATIENT], "GET orders/o": [200, { id: "o", patient_id: "p", accession_number: "A1", mrn: "M1", patient_name: "Doe^Jane" }] };
  const page = shown(
    <UploadContext value={{ desk, uploader: { begin } as unknown as Uploader }}>
      <Review />
    </UploadContext>,
    answers,
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
  return { ...page, answers, desk, begin, choose, read, pass, user: userEvent.setup(), send: () => screen.getByRole<HTMLButtonElement>("button", { name: "Send" }) };
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

  it("for an order leave out every study that does not fit, each to be sent for its patient alone", async () => {
    const { choose, read, pass, user, desk } = reviewing({ "1.2": [OTHER], "1.3": [OTHER] }, true);
    choose("a", "b");
    read(image("a", "1.2"), image("b", "1.3"));
    const seen = () => { pass(); return screen.getAllByRole("checkbox", { name: "Send this study" }).map((box) => (box as HTMLInputElement).checked); };
    await waitFor(() => expect(seen()).toEqual([false, false]));
    expect(screen.getAllByRole("list", { name: "Left out: it does not fit what you chose" })[0]!.textContent).toContain("PatientSex is other");
    await user.click(screen.getAllByRole("button", { name: /without the order$/ })[0]!);
    await waitFor(() => expect(seen()).toEqual([true, false]));
    expect(desk.packed().options.get("1.2")).toEqual({ patientId: "p" });
  });

  it("of one patient are decided once, by agreeing to what the server takes them for", async () => {
    const { choose, read, pass, user, desk } = reviewing({ "1.2": [SAME], "1.3": [SAME], "1.4": [OTHER] }, false, { kind: "probable", automatic: false });
    choose("a", "b", "c");
    read(image("a", "1.2"), image("b", "1.3"), image("c", "1.4", { x00080060: ["CS", "CT"] }));
    await user.click(await screen.findByRole("button", { name: "Yes, all 3 are this patient’s" }));
    await waitFor(() => {
      pass();
      expect(screen.getByText("2 of 3 studies fit; the others are left out.")).toBeTruthy();
      expect(screen.getByText(/^2 files in 2 studies/)).toBeTruthy();
    });
    expect(["1.2", "1.3", "1.4"].map((uid) => desk.packed().options.get(uid)?.patientId)).toEqual(["p", "p", undefined]);
    await user.click(screen.getByRole("button", { name: "Leave all to the server" }));
    await waitFor(() => {
      pass();
      expect(screen.getByText(/^3 files in 3 studies/)).toBeTruthy();
    });
  });

  it("from another hospital are asked about once, for all studies of the patient", async () => {
    const { choose, read, pass, user, send, desk } = reviewing({ "1.2": [said("PatientID", "other")], "1.3": [said("PatientID", "other")] });
    choose("a", "b");
    read(image("a", "1.2"), image("b", "1.3"));
    act(() => desk.decide(desk.snapshot().patients[0]!.key, { kind: "patient", patient: PATIENT as unknown as Patient }));
    expect(await screen.findByText("2 studies still need your answer.")).toBeTruthy();
    await user.click(screen.getByRole("checkbox", { name: "I have compared them: all 2 studies are of this patient" }));
    await waitFor(() => {
      pass();
      expect(send().disabled).toBe(false);
    });
  });

  it("of one patient that come later follow the decision", async () => {
    const { choose, read, desk } = reviewing({ "1.2": [SAME], "1.3": [SAME], "1.4": [SAME] });
    choose("a", "b");
    read(image("a", "1.2"), image("b", "1.3"));
    act(() => desk.decide(desk.snapshot().patients[0]!.key, { kind: "patient", patient: PATIENT as unknown as Patient }));
    choose("c");
    read(image("c", "1.4"));
    await waitFor(() => expect(desk.packed().options.get("1.4")).toEqual({ patientId: "p" }));
  });

  it("that are PDFs are offered as documents of whoever is chosen, and sent only when somebody says whose", async () => {
    const { choose, read, pass, user, send, begin, desk } = reviewing({ "1.2": [SAME] }, true);
    choose("a", "Referral Dr Meyer.pdf");
    read(image("a", "1.2"), paper("disc/Referral Dr Meyer.pdf"));
    expect(await screen.findByRole("heading", { name: "1 PDF or picture among the files" })).toBeTruthy();
    expect(desk.packed().items).toHaveLength(1);
    await user.selectOptions(screen.getByRole("combobox", { name: "Attach to" }), "order o");
    pass();
    expect(screen.getByRole<HTMLInputElement>("textbox", { name: "Title" }).value).toBe("Referral Dr Meyer");
    await waitFor(() => {
      pass();
      expect(screen.getByText(/· 1 document$/)).toBeTruthy();
      expect(send().disabled).toBe(false);
    });
    await user.click(send());
    const [items, options] = begin.mock.calls[0] as [{ group: string }[], Map<string, { document?: object }>];
    expect(options.get(items[0]!.group)).toMatchObject({ document: { owner: { order: "o" }, type: "application/pdf", kind: "referral", title: "Referral Dr Meyer" } });
  });

  it("that are pictures alone can be sent to a patient who was certain, and are taken back with the study", async () => {
    const { choose, read, pass, user, desk } = reviewing({ "1.2": [SAME] });
    choose("a", "photo.jpg");
    read(image("a", "1.2"), paper("photo.jpg", "image/jpeg"));
    await screen.findByRole("option", { name: /^Doe, Jane/ });
    await user.selectOptions(screen.getByRole("combobox", { name: "Attach to" }), "patient p");
    expect(desk.packed().items).toHaveLength(2);
    choose("b");
    expect(desk.packed().items).toHaveLength(2);
    read();
    await screen.findByRole("option", { name: /^Doe, Jane/ });
    expect(desk.packed().items).toHaveLength(2);
    await user.click(screen.getByRole("checkbox", { name: "Send this study" }));
    await waitFor(() => {
      pass();
      expect(desk.packed().items).toHaveLength(0);
    });
    expect(await screen.findByText(/^1 document is no longer attached/)).toBeTruthy();
  });

  it("that are papers are attached all at once by a button, those that have somebody left as they are, PDFs and pictures apart", async () => {
    const { choose, read, user, desk } = reviewing({ "1.2": [SAME] });
    choose("a", "letter.pdf", "report.pdf", "other.pdf", "photo.jpg", "icon.jpg");
    read(image("a", "1.2"), paper("letter.pdf"), paper("report.pdf"), paper("other.pdf"), paper("photo.jpg", "image/jpeg"), paper("icon.jpg", "image/jpeg"));
    const all = await screen.findByLabelText("Attach all 3 PDFs that are nobody’s yet to");
    const somebody = { kind: "patient", patient: { ...PATIENT, id: "q" } as unknown as Patient } as const;
    act(() => desk.attach(desk.snapshot().papers[2]!.id, { owner: somebody, isPicked: true }));
    const owners = () => desk.snapshot().papers.map(({ owner }) => (owner.kind === "patient" ? owner.patient.id : owner.kind));
    await user.selectOptions(all, "patient p");
    expect(owners()).toEqual(["automatic", "automatic", "q", "automatic", "automatic"]);
    await user.click(screen.getByText("Attach 2 PDFs"));
    expect(owners()).toEqual(["p", "p", "q", "automatic", "automatic"]);
    expect(screen.queryByLabelText(/^Attach all .* PDFs/)).toBeNull();
    expect(screen.getByLabelText("Attach all 2 pictures that are nobody’s yet to")).toBeTruthy();
  }, 30_000);

  it("that are papers and were attached all at once are said to be, and can be given back", async () => {
    const { choose, read, user, desk } = reviewing({ "1.2": [SAME] });
    choose("a", "letter.pdf", "report.pdf");
    read(image("a", "1.2"), paper("letter.pdf"), paper("report.pdf"));
    await user.selectOptions(await screen.findByLabelText("Attach all 2 PDFs that are nobody’s yet to"), "patient p");
    await user.click(screen.getByText("Attach 2 PDFs"));
    expect(document.querySelector(".toast-place")?.textContent).toBe("2 documents are attached to Doe, Jane · 14 Mar 1961 · M1.");
    expect(document.activeElement?.textContent).toBe("2 PDFs and pictures among the files");
    await user.click(screen.getByText("Attach them to nobody again"));
    expect(desk.snapshot().papers.map(({ owner }) => owner.kind)).toEqual(["automatic", "automatic"]);
  }, 30_000);

  it("that are papers stay attached to whom the server was certain of while it gives no answer", async () => {
    const { choose, read, pass, user, desk, answers } = reviewing({ "1.2": [SAME], "1.3": [SAME] });
    choose("a", "b", "letter.pdf");
    read(image("a", "1.2"), image("b", "1.3"), paper("letter.pdf"));
    await screen.findByRole("option", { name: /^Doe, Jane/ });
    await user.selectOptions(screen.getByRole("combobox", { name: "Attach to" }), "patient p");
    expect(desk.snapshot().papers[0]).toMatchObject({ isByServer: true });
    answers["POST match"] = [422, { code: "invalid_request" }];
    act(() => desk.choose("1.3", { tags: { PatientID: "M1" }, confirmed: "" }));
    expect(await screen.findAllByText("No prediction available")).toHaveLength(2);
    pass();
    expect(desk.packed().items).toHaveLength(3);
  });

  it("that are papers stay attached to whom the server is certain of, also before the page has read who that is", async () => {
    const { choose, read, pass, desk, answers } = reviewing({ "1.2": [SAME] });
    answers["GET patients/p"] = [404, { code: "patient_not_found" }];
    choose("a", "letter.pdf");
    act(() => {
      read(image("a", "1.2"), paper("letter.pdf"));
      desk.attach(desk.snapshot().papers[0]!.id, { owner: { kind: "patient", patient: PATIENT as unknown as Patient } });
    });
    expect(await screen.findByText("Will be linked to")).toBeTruthy();
    pass();
    expect(desk.packed().items).toHaveLength(2);
  });

  it("that name the order of another patient here are left out of a decision for all, and asked about alone", async () => {
    const another = { ...said("AccessionNumber", "other"), reasons: ["order_of_another"] };
    const { choose, read, pass, user, desk, send } = reviewing({ "1.2": [said("PatientID", "other")], "1.3": [another] });
    choose("a", "b");
    read(image("a", "1.2"), image("b", "1.3"));
    act(() => desk.decide(desk.snapshot().patients[0]!.key, { kind: "patient", patient: PATIENT as unknown as Patient }));
    await waitFor(() => {
      pass();
      expect(screen.getByText("1 of 2 studies fit; the others are left out.")).toBeTruthy();
    });
    await user.click(screen.getByRole("checkbox", { name: /^I have compared it: the study/ }));
    pass();
    await waitFor(() => expect(send().disabled).toBe(false));
    await user.click(screen.getByRole("checkbox", { name: "Send this study", checked: false }));
    pass();
    expect(await screen.findByRole("checkbox", { name: "I have compared them: these images are of this patient" })).toBeTruthy();
    expect(send().disabled).toBe(true);
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
