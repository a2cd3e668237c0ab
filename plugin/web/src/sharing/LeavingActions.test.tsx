// @vitest-environment happy-dom
import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Study } from "../api/types";
import { shown } from "../testing/page";
import { LeavingActions } from "./LeavingActions";

const study = { study_instance_uid: "1.2", patient_id: "p1", link_status: "linked", number_of_instances: 1 } as unknown as Study;
const standing = (isRestricted: boolean) => ({
  "GET access/patients/p1": [200, { patient_id: "p1", is_restricted: isRestricted, is_open: true, open_until: null }] as [number, unknown],
  "GET dicom/sendings": [200, { items: [], total: 0 }] as [number, unknown],
});
const UNHURRIED = { timeout: 20_000 };

describe("images that may leave", () => {
  it("are offered to be sent", UNHURRIED, async () => {
    shown(<LeavingActions study={study} />, standing(false));
    await screen.findByRole("button", { name: /^Send/ }, UNHURRIED);
  });
  it("are not offered where the patient is restricted, and it is said why", UNHURRIED, async () => {
    shown(<LeavingActions study={study} />, standing(true));
    await screen.findByText(/restricted to named people\. The images stay here/, {}, UNHURRIED);
    expect(screen.queryByRole("button")).toBeNull();
  });
  it("are offered where the study is nobody's yet", UNHURRIED, async () => {
    shown(<LeavingActions study={{ ...study, patient_id: null }} />, standing(true));
    await screen.findByRole("button", { name: /^Send/ }, UNHURRIED);
  });
});
