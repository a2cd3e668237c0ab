// @vitest-environment happy-dom
import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { act, screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { useEffect } from "react";
import { describe, expect, it } from "vitest";
import { shown } from "../testing/page";
import { RetentionPage } from "./RetentionPage";

const study = {
  study_instance_uid: "1.2.3", patient_id: "p1", study_description: "Thorax", modalities: ["CT"], patient_name: "DOE^JANE", mrn: "M1", patient_sex: "F", patient_birth_date: "1970-01-31",
  study_date: "2014-05-05", number_of_instances: 12, number_of_series: 1, accession_number: "A1",
};
const found = {
  read_at: "2026-11-30T10:00:00.000Z", number_of_studies: 1, is_all: true, studies: [study],
  counts: [{ year: 2014, modalities: ["CT"], number_of_studies: 1, number_of_instances: 12 }],
};

const client: { current: QueryClient | null } = { current: null };
function Reached() {
  const reached = useQueryClient();
  useEffect(() => {
    client.current = reached;
  }, [reached]);
  return null;
}

describe("what may be deleted by age", () => {
  it("is listed by rules, and requested with the moment at which it was read", async () => {
    const { asked } = shown(
      <RetentionPage />,
      { "GET retention/proposals": [200, found], "POST retention/batches": [200, { batch_id: "b1", number_of_studies: 1, left_out: [] }] },
      ["request_deletion"],
    );
    const user = userEvent.setup();
    expect(asked).toEqual([]);
    await user.type(screen.getByLabelText(/^Years kept/), "CT=10, any=30");
    await user.click(screen.getByRole("button", { name: "Show what is proposed" }));
    await user.click(await screen.findByRole("button", { name: "Request deletion of this study" }));
    const dialog = screen.getByRole("dialog");
    await user.type(within(dialog).getByRole("textbox"), "retention 2026");
    await user.click(within(dialog).getByRole("button", { name: "Request deletion of this study" }));
    await waitFor(() =>
      expect(asked.find(({ method }) => method === "POST")?.body).toEqual({
        rules: "CT=10, any=30", least_age: 28, seen_at: "2026-11-30T10:00:00.000Z", study_instance_uids: ["1.2.3"], reason: "retention 2026",
      }),
    );
  });

  it("is requested as it stood when the button was pressed, also when it is read again behind the dialog", async () => {
    const answers: Record<string, [number, unknown]> = { "GET retention/proposals": [200, found], "POST retention/batches": [200, { batch_id: "b1", number_of_studies: 1, left_out: [] }] };
    const { asked } = shown(<><RetentionPage /><Reached /></>, answers, ["request_deletion"]);
    const user = userEvent.setup();
    await user.type(screen.getByLabelText(/^Years kept/), "CT=10");
    await user.click(screen.getByRole("button", { name: "Show what is proposed" }));
    await user.click(await screen.findByRole("button", { name: "Request deletion of this study" }));
    answers["GET retention/proposals"] = [200, { ...found, read_at: "2026-11-30T11:00:00.000Z", studies: [{ ...study, study_instance_uid: "9.9.9", study_description: "Unseen" }] }];
    await act(() => client.current!.invalidateQueries({ queryKey: ["retention"] }));
    await screen.findByText("Unseen");
    const dialog = screen.getByRole("dialog");
    await user.type(within(dialog).getByRole("textbox"), "retention 2026");
    await user.click(within(dialog).getByRole("button", { name: "Request deletion of this study" }));
    await waitFor(() => expect(asked.find(({ method }) => method === "POST")?.body).toMatchObject({ seen_at: "2026-11-30T10:00:00.000Z", study_instance_uids: ["1.2.3"] }));
  });

  it("is kept by a legal hold", async () => {
    const { asked } = shown(<RetentionPage />, { "GET retention/proposals": [200, found], "POST dicom/studies/1.2.3/hold": [201, {}] }, ["request_deletion"]);
    const user = userEvent.setup();
    await user.type(screen.getByLabelText(/^Years kept/), "CT=10");
    await user.click(screen.getByRole("button", { name: "Show what is proposed" }));
    await user.click(await screen.findByRole("button", { name: /^Keep Thorax/ }));
    const dialog = screen.getByRole("dialog");
    await user.type(within(dialog).getByRole("textbox"), "court");
    await user.click(within(dialog).getByRole("button", { name: "Keep" }));
    await waitFor(() => expect(asked.find(({ method }) => method === "POST")?.body).toEqual({ reason: "court" }));
  });

  it("is for those who may request deletions", () => {
    const { asked } = shown(<RetentionPage />);
    expect(screen.queryByLabelText(/^Years kept/)).toBeNull();
    expect(asked).toEqual([]);
  });
});
