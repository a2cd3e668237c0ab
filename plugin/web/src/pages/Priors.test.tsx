// @vitest-environment happy-dom
import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Order } from "../api/types";
import { shown } from "../testing/page";
import { Priors } from "./Priors";

const order = { patient_id: "p1", study_instance_uid: "1.2", orthanc_study_id: null } as unknown as Order;
const OF_PATIENT = "GET dicom/studies/patient/p1";

describe("a patient's other studies", () => {
  it("stand in the order in which they were examined, not in which they arrived", async () => {
    const { asked } = shown(<Priors order={order} />, { [OF_PATIENT]: [200, { items: [], total: 0, limit: 100, offset: 0, next: null }] });
    await screen.findByRole("heading", { level: 2 });
    expect(asked.map(({ path }) => path)).toEqual(["dicom/studies/patient/p1?sort=-study_date&limit=100"]);
  });

  it("lead to each, and leave out what is not known of it", async () => {
    const study = { study_instance_uid: "1.3", study_description: "CT thorax", modalities: ["CT"], study_date: null, number_of_instances: 3, deleted_at: null, is_document: false };
    shown(<Priors order={order} />, { [OF_PATIENT]: [200, { items: [study], total: 1, limit: 100, offset: 0, next: null }] });
    const link = await screen.findByRole("link", { name: "CT thorax" });
    expect(link.getAttribute("href")).toBe("/studies/1.3");
    screen.getByText("CT · 3 images");
  });
});
