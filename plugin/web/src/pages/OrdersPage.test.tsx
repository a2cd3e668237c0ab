// @vitest-environment happy-dom
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { ShortcutsProvider } from "../components/Shortcuts";
import { OrdersPage } from "./OrdersPage";
import { shown, type Asked } from "../testing/page";

const TOTAL = 10_000;
const row = (at: number) => ({
  id: `id-${at}`, accession_number: `A${at}`, description: `CT ${at}`, modality: "CT", status: "scheduled", patient_id: `p-${at}`, patient_name: `Doe^Jane${at}`,
  patient_birth_date: null, patient_sex: "female", mrn: `M${at}`, issuer: null, report: null, assigned_to: null, assigned_name: null, number_of_images: null, scheduled_at: null,
});
const offsetOf = ({ path }: Asked) => Number(new URLSearchParams(path.split("?")[1]).get("offset"));

function page(total = TOTAL, answers: Record<string, [number, unknown] | (() => [number, unknown])> = {}) {
  const view = shown(
    <ShortcutsProvider>
      <OrdersPage />
    </ShortcutsProvider>,
    {
      "GET orders": () => {
        const offset = offsetOf(view.asked.at(-1)!);
        return [200, { items: Array.from({ length: Math.min(100, total - offset) }, (_, at) => row(offset + at)), total, limit: 100, offset }];
      },
      "GET day/views": [200, { items: [] }],
      "GET day/choices": [200, { view_id: null, columns: null }],
      ...answers,
    },
    ["read"],
  );
  return view;
}

const linkOf = (at: number) => screen.findByRole("link", { name: new RegExp(`Open order A${at} `) });
const asked = (view: ReturnType<typeof page>) => view.asked.filter(({ path }) => path.startsWith("orders?"));

describe("the list of ten thousand orders", () => {
  it("draws some of them, and says how many there are", async () => {
    const view = page();
    await linkOf(0);
    const table = screen.getByRole("table", { name: "Orders" });
    expect(table.getAttribute("aria-rowcount")).toBe("10001");
    const rows = within(table).getAllByRole("row");
    expect(rows.length).toBeLessThan(60);
    expect(rows[1]!.getAttribute("aria-rowindex")).toBe("2");
    expect(asked(view).filter(({ path }) => path.includes("limit=100"))).toHaveLength(1);
  });

  it("is walked through with j and k, and Tab reaches the row one is in", async () => {
    page();
    const first = await linkOf(0);
    fireEvent.keyDown(document.body, { key: "j" });
    await waitFor(() => expect(document.activeElement).toBe(first));
    fireEvent.keyDown(first, { key: "j" });
    const second = await linkOf(1);
    await waitFor(() => expect(document.activeElement).toBe(second));
    expect([first.tabIndex, second.tabIndex]).toEqual([-1, 0]);
    fireEvent.keyDown(second, { key: "k" });
    await waitFor(() => expect(document.activeElement).toBe(first));
    fireEvent.keyDown(first, { key: "ArrowDown" });
    await waitFor(() => expect(document.activeElement).toBe(second));
  });

  it("leaves letters alone while somebody types, and goes to the search with a slash", async () => {
    page();
    await linkOf(0);
    fireEvent.keyDown(document.body, { key: "/" });
    const search = screen.getByRole("searchbox");
    expect(document.activeElement).toBe(search);
    await userEvent.type(search, "j/?");
    expect([(search as HTMLInputElement).value, screen.queryByRole("dialog")]).toEqual(["j/?", null]);
    expect(document.activeElement).toBe(search);
  });

  it("has a sheet of its shortcuts", async () => {
    page();
    await linkOf(0);
    fireEvent.keyDown(document.body, { key: "?" });
    const sheet = await screen.findByRole("dialog", { name: "Shortcuts" });
    for (const said of ["Next order", "Previous order", "Open the order", "Search", "Shortcuts of this page"]) within(sheet).getByText(said);
    await userEvent.click(within(sheet).getByRole("button", { name: "Close" }));
    expect(screen.queryByRole("dialog")).toBeNull();
  });
});

describe("a list that fits", () => {
  it("says how many are older and still open, and leads to them", async () => {
    const view = page(3, {
      "GET orders": () => {
        const query = new URLSearchParams(view.asked.at(-1)!.path.split("?")[1]);
        const isAll = !query.get("from") && query.get("also");
        return [200, { items: [row(0)], total: isAll ? 5 : 1, limit: 100, offset: 0 }];
      },
    });
    await userEvent.click(await screen.findByRole("button", { name: "4 older, still open" }));
    await waitFor(() => expect(asked(view).at(-1)!.path).not.toContain("also="));
    expect(asked(view).at(-1)!.path).toMatch(/[?&]to=/);
    expect(asked(view).at(-1)!.path).toContain("status=scheduled%2Carrived");
    expect(screen.queryByRole("button", { name: /still open/ })).toBeNull();
  });

  it("is drawn whole, so that the browser finds everything in it", async () => {
    page(40);
    await linkOf(0);
    // By its number: names of all roles in eighty rows take seconds on a busy machine.
    expect(screen.getAllByRole("table")[0]!.querySelectorAll("tbody tr[data-index]")).toHaveLength(40);
    expect(screen.getByText("CT 39")).toBeTruthy();
  });

  it("has the columns one has chosen, which are kept", async () => {
    const view = page(3, { "PUT day/choices": [200, { view_id: null, columns: ["patient", "order", "priority"] }] });
    await linkOf(0);
    await userEvent.click(screen.getByRole("button", { name: "Columns" }));
    const dialog = screen.getByRole("dialog", { name: "Columns of the list" });
    expect(within(dialog).getByRole<HTMLInputElement>("checkbox", { name: "Patient" }).disabled).toBe(true);
    await userEvent.click(within(dialog).getByRole("checkbox", { name: "Priority" }));
    await userEvent.click(within(dialog).getByRole("button", { name: "Show these" }));
    await screen.findByRole("columnheader", { name: /Priority/ });
    expect(screen.queryByRole("columnheader", { name: /Status/ })).toBeNull();
    expect(view.asked.find(({ method }) => method === "PUT")?.body).toMatchObject({ view_id: null });
  });

  it("has them in the order one wants, by buttons, and that is kept", async () => {
    const view = page(3, { "PUT day/choices": [200, { view_id: null, columns: null }] });
    await linkOf(0);
    await userEvent.click(screen.getByRole("button", { name: "Columns" }));
    const dialog = screen.getByRole("dialog", { name: "Columns of the list" });
    const sooner = within(dialog).getByRole("button", { name: "Move Status forward" });
    sooner.focus();
    await userEvent.keyboard("{Enter}{Enter}");
    expect(document.activeElement?.getAttribute("aria-label")).toBe("Move Status forward");
    within(dialog).getByText("Status is column 3 now");
    await userEvent.click(within(dialog).getByRole("button", { name: "Show these" }));
    await waitFor(() => expect(view.asked.find(({ method }) => method === "PUT")?.body).toMatchObject({ columns: ["patient", "order", "status", "modality", "scheduled", "report", "view"] }));
  });

  it("names lead to the patient, and a heading sorts", async () => {
    const view = page(3);
    await linkOf(0);
    expect(screen.getByRole("link", { name: "Doe, Jane0" }).getAttribute("href")).toBe("/patients/p-0");
    await userEvent.click(screen.getByRole("button", { name: "Sort by Patient" }));
    await waitFor(() => expect(asked(view).filter(({ path }) => path.includes("limit=100")).at(-1)?.path).toContain("sort=patient_name"));
    expect(screen.getByRole("columnheader", { name: /Patient/ }).getAttribute("aria-sort")).toBe("ascending");
  });
});
