// @vitest-environment happy-dom
import { act, screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { useEffect, useState } from "react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Dialog } from "../components/Dialog";
import { shown } from "../testing/page";
import type { UploadDesk } from "../upload/desk";
import { UploadContext } from "../upload/context";
import type { Uploader } from "../upload/uploader";
import { RequireSession } from "./RequireSession";

const ME: [number, unknown] = [200, { subject: "nora", name: "Nora", permissions: [] }];

const heard: string[] = [];

/** Listens to keys as the pages do, and opens a dialog by F1 or by itself. */
function Work() {
  const [typed, setTyped] = useState("");
  const [asks, setAsks] = useState(false);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      heard.push(event.key);
      if (event.key === "F1") setAsks(true);
    };
    const late = () => setAsks(true);
    for (const target of [window, document]) target.addEventListener("keydown", press as EventListener);
    window.addEventListener("late", late);
    return () => {
      for (const target of [window, document]) target.removeEventListener("keydown", press as EventListener);
      window.removeEventListener("late", late);
    };
  }, []);
  return (
    <>
      <input aria-label="Note" value={typed} onChange={(event) => setTyped(event.target.value)} />
      {asks && (
        <Dialog title="Shortcuts">
          <p>F1</p>
        </Dialog>
      )}
    </>
  );
}

afterEach(() => {
  heard.length = 0;
  vi.restoreAllMocks();
});

function working(login: [number, unknown]) {
  const forgotten: string[] = [];
  const uploads = {
    desk: { forget: () => void forgotten.push("files") } as unknown as UploadDesk,
    uploader: { forget: () => void forgotten.push("upload"), subscribe: () => () => {}, isActive: () => false } as unknown as Uploader,
  };
  const page = shown(
    <UploadContext value={uploads}>
      <RequireSession>
        <Work />
      </RequireSession>
    </UploadContext>,
    { "GET auth/me": ME, "POST auth/login": login },
  );
  return { ...page, forgotten, user: userEvent.setup() };
}

const again: [number, unknown] = [200, { token: "new", expires_at: "2099-01-01T00:00:00Z", name: "Nora", roles: [] }];

describe("a session that ends", () => {
  it("hides the page and keeps what is on it until its user has signed in again", async () => {
    const { session, user, asked } = working(again);
    await user.type(await screen.findByRole("textbox", { name: "Note" }), "half a sen");
    await act(async () => session.end("secret"));
    expect(screen.getByRole("dialog", { name: "Your session has ended" })).toBeTruthy();
    expect(screen.getByLabelText("Note").closest(".locked")).toBeTruthy();
    await user.type(screen.getByLabelText("Password"), "pass");
    await user.click(screen.getByRole("button", { name: "Sign in" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(asked.find(({ path }) => path === "auth/login")).toMatchObject({ body: { username: "nora", password: "pass" }, token: null });
    expect(screen.getByRole<HTMLInputElement>("textbox", { name: "Note" }).value).toBe("half a sen");
  });

  it("says that a password is wrong, and empties the field", async () => {
    const { session, user } = working([401, { code: "wrong_credentials" }]);
    await screen.findByRole("textbox", { name: "Note" });
    await act(async () => session.end("secret"));
    await user.type(screen.getByLabelText("Password"), "guess");
    await user.click(screen.getByRole("button", { name: "Sign in" }));
    expect(await screen.findByText("User name or password is wrong.")).toBeTruthy();
    await waitFor(() => expect(screen.getByLabelText<HTMLInputElement>("Password").value).toBe(""));
  });

  it("left to somebody else leaves nothing of its user behind", async () => {
    const { session, user, forgotten } = working(again);
    await screen.findByRole("textbox", { name: "Note" });
    await act(async () => session.end("secret"));
    await user.click(screen.getByRole("button", { name: "Use another account" }));
    expect(forgotten.sort()).toEqual(["files", "upload"]);
    expect(session.snapshot()).toEqual({ kind: "none", signedOut: true });
    expect(screen.queryByLabelText("Note")).toBeNull();
  });
});

describe("a page that is locked", () => {
  it("is not there for a screen reader, says nothing in the tab's title, and goes on with what was typed", async () => {
    document.head.innerHTML = "<title>Lindqvist, Åsa</title>";
    const { session, user, asked } = working(again);
    await user.type(await screen.findByRole("textbox", { name: "Note" }), "half a sen");
    await act(async () => session.lock());
    expect(screen.getByRole("dialog", { name: "Locked" })).toBeTruthy();
    expect(screen.queryByRole("textbox", { name: "Note" })).toBeNull();
    expect(screen.getByLabelText("Note").closest("[inert]")).toBeTruthy();
    document.head.prepend(Object.assign(document.createElement("title"), { textContent: "Müller, Jürgen" }));
    await waitFor(() => expect(document.title).toContain("Locked"));
    expect(session.token()).toBe("secret"); // what runs, runs on
    await user.type(screen.getByLabelText("Password"), "pass");
    await user.click(screen.getByRole("button", { name: "Unlock" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(asked.find(({ path }) => path === "auth/login")).toMatchObject({ body: { username: "nora", password: "pass" } });
    expect(screen.getByRole<HTMLInputElement>("textbox", { name: "Note" }).value).toBe("half a sen");
    expect(document.title).toBe("Müller, Jürgen");
    expect(session.token()).toBe("new");
  });

  it("is not unlocked by a wrong password", async () => {
    const { session, user } = working([401, { code: "wrong_credentials" }]);
    await screen.findByRole("textbox", { name: "Note" });
    await act(async () => session.lock());
    await user.type(screen.getByLabelText("Password"), "guess");
    await user.click(screen.getByRole("button", { name: "Unlock" }));
    expect(await screen.findByText("User name or password is wrong.")).toBeTruthy();
    expect(session.snapshot().kind).toBe("locked");
  });

  it("has no field for a password where its user came from the EHR and has none here", async () => {
    const { session } = working(again);
    await act(async () => session.begin({ token: "ehr", expires_at: "2099-01-01T00:00:00Z" }, "dora", true));
    await screen.findByRole("textbox", { name: "Note" });
    await act(async () => session.lock());
    expect(screen.getByRole("dialog", { name: "Locked" }).textContent).toContain("again from the EHR");
    expect(screen.queryByLabelText("Password")).toBeNull();
  });

  it("does nothing by its keys, wherever the focus is, and opens no dialog above the cover", async () => {
    const { session, user } = working(again);
    await user.type(await screen.findByRole("textbox", { name: "Note" }), "half a sen");
    await act(async () => session.lock());
    heard.length = 0;
    const opened = vi.spyOn(HTMLDialogElement.prototype, "showModal");
    await user.keyboard("{F1}{Alt>}p{/Alt}{Escape}");
    screen.getByLabelText("Password").blur();
    await user.keyboard("{F1}{Alt>}p{/Alt}{Escape}");
    expect(heard).toEqual([]);
    await act(async () => void window.dispatchEvent(new Event("late"))); // an answer that comes now asks something
    expect(opened).not.toHaveBeenCalled();
    await user.type(screen.getByLabelText("Password"), "pass{Enter}");
    await waitFor(() => expect(screen.queryByRole("dialog", { name: "Locked" })).toBeNull());
    expect(opened).toHaveBeenCalledOnce();
    expect(screen.getByRole("dialog", { name: "Shortcuts" })).toBeTruthy();
    await user.keyboard("{F1}");
    expect(heard).toEqual(["F1", "F1"]);
  });

  it("of another person than the one who has signed in now says so, and leads on", async () => {
    const { session } = working(again);
    await screen.findByRole("textbox", { name: "Note" });
    await act(async () => void session.adopt({ token: "b", expiresAt: null, username: "bela", launched: false, since: 9e15 }));
    expect(screen.getByRole("dialog", { name: "bela has signed in in another tab" })).toBeTruthy();
    expect(screen.getByRole("button", { name: "Go on as bela" })).toBeTruthy();
    expect(screen.getByRole("button", { name: "Sign in again as nora" })).toBeTruthy();
    expect(session.token()).toBe("secret"); // never asks in the name of the one as the other
  });
});
