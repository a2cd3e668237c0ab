// @vitest-environment happy-dom
import { screen, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { shown } from "../testing/page";
import { PatientAlerts } from "./PatientAlerts";

const list = (items: unknown[]): [number, unknown] => [200, { items, total: items.length, limit: 50, offset: 0 }];

describe("alerts of a patient", () => {
  it("name the critical result that nobody has been told and the emergency that waits, and lead there", async () => {
    const { asked } = shown(<PatientAlerts patientId="p1" />, {
      "GET reports": list([{ id: "r1", title: "CT head", issued_at: "2026-11-30T08:00:00Z", updated_at: "2026-11-30T08:00:00Z" }]),
      "GET orders": list([{ id: "o1", description: "CT thorax", accession_number: "A1", status: "arrived", scheduled_at: null }]),
    });
    const alerts = await screen.findByRole("region", { name: "Alerts" });
    await within(alerts).findByText("An emergency order is open");
    await within(alerts).findByText("A critical result that nobody has been told");
    expect(within(alerts).getAllByRole("link").map((link) => link.getAttribute("href"))).toEqual(["/reports/r1", "/orders/o1"]);
    expect(asked.map(({ path }) => path).sort()).toEqual(["orders?patient=p1&priority=STAT&status=scheduled%2Carrived%2Cin_progress&limit=50", "reports?patient=p1&waits_for=communication&limit=50"]);
  });

  it("that cannot be read are said to be missing, never left out in silence, and are asked for again", async () => {
    const answers: Record<string, [number, unknown]> = { "GET reports": [403, { code: "forbidden" }], "GET orders": list([]) };
    shown(<PatientAlerts patientId="p1" />, answers);
    await screen.findByText("Alerts could not be read");
    answers["GET reports"] = [200, { items: [{ id: "r1", title: "CT head", issued_at: "2026-11-30T08:00:00Z", updated_at: "2026-11-30T08:00:00Z" }], total: 51, limit: 50, offset: 0 }];
    await userEvent.setup().click(screen.getByRole("button", { name: "Try again" }));
    await screen.findByText("51 critical results that nobody has been told");
    expect(screen.queryByText("Alerts could not be read")).toBeNull();
  });
});
