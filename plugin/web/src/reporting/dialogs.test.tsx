// @vitest-environment happy-dom
import { act, screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { shown } from "../testing/page";
import { Communications } from "./Communications";
import { ConflictDialog } from "./ConflictDialog";
import { BeforeDialog } from "./Prior";
import { SignDialog } from "./SignDialog";
import type { Report, Saved } from "../api/reports";

const PERSON = { mrn: "M1", issuer: null, patient_name: "Doe^Jane", patient_birth_date: "1961-03-14", patient_sex: "female" };
const section = (text: string) => ({ code: "impression", title: "Impression", text });
const report = (more: object = {}) =>
  ({
    ...PERSON, id: "r", status: "draft", version: 0, title: "CT chest", language: "en", accession_numbers: ["A1"], sections: [section("Normal.")], critical: null,
    draft: { kind: "new", sections: [section("Normal.")], reason: null, author: { subject: "nora", name: "Nora" } }, ...more,
  }) as unknown as Report;
const LISTS = { "GET authorities": [200, { items: [] }] as [number, unknown] };

describe("signing", () => {
  it("shows what the server has, asks for the password, and says when it is wrong without ending the session", async () => {
    const onSigned = vi.fn();
    let wrong = true;
    const { asked, session } = shown(<SignDialog id="r" hasNext onSigned={onSigned} onClose={vi.fn()} />, {
      ...LISTS,
      "GET reports/r": [200, report()],
      "POST reports/r/sign": () => (wrong ? [401, { code: "wrong_credentials" }] : [200, report({ status: "final", version: 1, draft: null })]),
    });
    const user = userEvent.setup();
    expect(await screen.findByText("Normal.")).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Sign" }));
    expect(screen.getByText("Enter your password to sign.")).toBeTruthy();
    expect(asked.some(({ method }) => method === "POST")).toBe(false);
    await user.type(screen.getByLabelText("Your password"), "secret{Enter}");
    expect(await screen.findByText("The current password is wrong.")).toBeTruthy();
    expect(session.token()).toBe("secret");
    wrong = false;
    await user.type(screen.getByLabelText("Your password"), "right");
    await user.click(screen.getByLabelText("Then open the next study"));
    await user.click(screen.getByRole("button", { name: "Sign" }));
    await waitFor(() => expect(onSigned).toHaveBeenCalledWith(expect.objectContaining({ status: "final" }), false));
    expect(asked.filter(({ method }) => method === "POST").at(-1)?.body).toEqual({ password: "right" });
  });

  it("asks who comes from the EHR for a password only where they have one here", async () => {
    const refused = [403, { code: "sign_in_again", errors: [{ field: "password", message: "" }] }] as [number, unknown];
    const { asked, session } = shown(<SignDialog id="r" hasNext={false} onSigned={vi.fn()} onClose={vi.fn()} />, {
      ...LISTS,
      "GET reports/r": [200, report()],
      "POST reports/r/sign": () => refused,
    });
    act(() => session.begin({ token: "theirs", expires_at: "2999-01-01T00:00:00Z" }, "nora", true));
    const user = userEvent.setup();
    await screen.findByText("Normal.");
    expect(screen.queryByLabelText("Your password")).toBeNull();
    await user.click(screen.getByRole("button", { name: "Sign" }));
    await user.type(await screen.findByLabelText("Your password"), "right{Enter}");
    await waitFor(() => expect(asked.filter(({ method }) => method === "POST").map(({ body }) => body)).toEqual([{ password: null }, { password: "right" }]));
  });

  it("signs nothing that was changed meanwhile, and shows it again", async () => {
    let text = "Normal.";
    const { asked } = shown(<SignDialog id="r" hasNext={false} onSigned={vi.fn()} onClose={vi.fn()} />, {
      ...LISTS,
      "GET reports/r": () => [200, report({ draft: { ...report().draft, sections: [section(text)] } })],
      "POST reports/r/sign": () => {
        text = "Fracture.";
        return [412, { code: "version_changed" }];
      },
    });
    const user = userEvent.setup();
    await screen.findByText("Normal.");
    await user.type(screen.getByLabelText("Your password"), "right{Enter}");
    expect(await screen.findByText("Fracture.")).toBeTruthy();
    expect(asked.filter(({ method }) => method === "POST")).toHaveLength(1);
  });
});

describe("a prior report", () => {
  it("is copied only after the author has confirmed it", async () => {
    const onTake = vi.fn();
    shown(<BeforeDialog section={section("")} prior="p" onTake={onTake} onClose={vi.fn()} />, { "GET reports/p": [200, report({ id: "p", sections: [section("As ever.")] })] });
    const user = userEvent.setup();
    expect(await screen.findByText("As ever.")).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Copy" }));
    expect(onTake).not.toHaveBeenCalled();
    await user.click(screen.getByRole("checkbox"));
    await user.click(screen.getByRole("button", { name: "Copy" }));
    expect(onTake).toHaveBeenCalledWith("As ever.");
  });
});

describe("two texts", () => {
  it("are decided section by section; leaving is no decision", async () => {
    const onResolve = vi.fn();
    const theirs: Saved = { draft: { sections: [section("Theirs.")], critical: null }, tag: "t", savedAt: "", by: "Eva" };
    shown(<ConflictDialog mine={{ sections: [section("Mine.")], critical: null }} theirs={theirs} onResolve={onResolve} />);
    const user = userEvent.setup();
    await user.keyboard("{Escape}");
    await user.click(screen.getByLabelText("Take the other one"));
    await user.click(screen.getByRole("button", { name: "Save this" }));
    expect(onResolve).toHaveBeenCalledWith({ sections: [section("Theirs.")], critical: null });
  });
});

describe("a critical result", () => {
  it("is open until somebody says whom they reached and what came of it", async () => {
    const critical = report({ version: 1, critical: { level: "minutes", note: null, is_open: true } });
    const { asked } = shown(
      <Communications report={critical} />,
      { "GET reports/r/communications": [200, { items: [] }], "POST reports/r/communications": [201, {}] },
      ["write_reports"],
    );
    const user = userEvent.setup();
    await user.click(screen.getByRole("button", { name: "Somebody was told…" }));
    await user.click(screen.getByRole("button", { name: "Save" }));
    expect(screen.getByText("Say what came of it.")).toBeTruthy();
    await user.type(screen.getByLabelText("Whom"), "Dr. Ekström");
    await user.click(screen.getByLabelText("Reached, and read back correctly"));
    await user.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(asked.find(({ method }) => method === "POST")?.body).toMatchObject({ told: "Dr. Ekström", way: "phone", was_reached: true, read_back: true }));
  });
});
