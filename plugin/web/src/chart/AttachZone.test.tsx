// @vitest-environment happy-dom
import { fireEvent, screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";
import { shown } from "../testing/page";
import { AttachZone } from "./AttachZone";

afterEach(() => vi.unstubAllGlobals());

it("a document for an order is sent for the patient who was seen when it was chosen", async () => {
  const said = new Map<string, string>();
  const sent = vi.fn();
  vi.stubGlobal("XMLHttpRequest", class {
    upload = {};
    open = sent;
    setRequestHeader = (name: string, value: string) => void said.set(name, value);
    send = () => {};
  });
  shown(<AttachZone owner={{ order: "o", patient: "p" }} />, {}, ["upload"]);
  fireEvent.change(screen.getByLabelText("Attach a document", { selector: "input" }), { target: { files: [new File(["x"], "photo.png", { type: "image/png" })] } });
  await userEvent.setup().click(await screen.findByRole("button", { name: "Attach" }));
  await waitFor(() => expect(sent).toHaveBeenCalledWith("POST", expect.stringMatching(/orders\/o\/documents$/)));
  expect(said.get("X-Patient-Id")).toBe("p");
});
