// @vitest-environment happy-dom
import { cleanup, screen, waitFor } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { shown } from "../testing/page";
import { useViewerSession } from "./useViewerSession";

const token = (jti: string) => `h.${btoa(JSON.stringify({ jti }))}.s`;
const link = (jti: string, url = `/ohif/viewer?StudyInstanceUIDs=1.2&token=${token(jti)}`) => ({ url, token: token(jti), studies: ["1.2"] });
const MINT = "GET dicom/viewer-url/1.2";

function Viewer() {
  const state = useViewerSession({ studyUid: "1.2", compare: null, priors: true }, 0);
  return <p>{state.kind === "open" ? state.opened.address : state.kind}</p>;
}

/** The tokens that were taken back, with whose session. */
function takenBack() {
  const fetched = vi.fn<typeof fetch>(async () => new Response(null, { status: 204 }));
  vi.stubGlobal("fetch", fetched);
  return () => fetched.mock.calls.map(([address, init]) => [init?.method, address as string, new Headers(init?.headers).get("Authorization")]);
}

describe("an open viewer", () => {
  afterEach(() => {
    cleanup(); // closes the viewer while what it asks still ends here
    vi.unstubAllGlobals();
  });

  it("has its token behind the #, where no server sees it", async () => {
    takenBack();
    const { asked } = shown(<Viewer />, { [MINT]: [200, link("t1")] });
    const address = (await screen.findByText(/ohif/)).textContent;
    expect(new URL(address).searchParams.has("token")).toBe(false);
    expect(new URL(address).hash).toBe(`#token=${token("t1")}`);
    expect(asked.map(({ path }) => path)).toEqual(["dicom/viewer-url/1.2?priors=auto"]);
  });

  it("gives its token back when it is closed, and clears the tab's storage but for our own", async () => {
    const taken = takenBack();
    window.sessionStorage.setItem("before", "kept");
    const { unmount } = shown(<Viewer />, { [MINT]: [200, link("t1")] });
    await screen.findByText(/ohif/);
    window.sessionStorage.setItem("ohif.left", "x");
    window.sessionStorage.setItem("ehr-bridge.session", "ours");
    unmount();
    expect(taken()).toEqual([["DELETE", "/api/v1/dicom/viewer-token/t1", "Bearer secret"]]);
    expect(Object.keys(window.sessionStorage).sort()).toEqual(["before", "ehr-bridge.session"]);
  });

  it("gives it back once when the page goes away", async () => {
    const taken = takenBack();
    const { unmount } = shown(<Viewer />, { [MINT]: [200, link("t1")] });
    await screen.findByText(/ohif/);
    window.dispatchEvent(new Event("pagehide"));
    unmount();
    expect(taken()).toHaveLength(1);
  });

  it.each([
    ["the server refuses", [403, { code: "permission_missing" }]],
    ["the address is none of the web", [200, link("t1", "javascript:alert(1)")]],
  ] as [string, [number, unknown]][])("fails when %s", async (_why, answer) => {
    takenBack();
    shown(<Viewer />, { [MINT]: answer });
    await waitFor(() => expect(screen.getByText("failed")).toBeTruthy());
  });
});
