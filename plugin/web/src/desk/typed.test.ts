import { describe, expect, it } from "vitest";
import { ApiError } from "../api/errors";
import type { Order, Patient } from "../api/types";
import { ageOf, instantOf, isChanged, keptOf, localOf, NO_ORDER, NO_STEP, NOBODY, numbered, orderBody, orderFaults, patientBody, patientFaults, saidOf, typedOrder, typedPatient } from "./typed";

const TODAY = "2026-11-29";
const PERSON = { ...NOBODY, family_name: " Berg ", given_name: "Nils", birth_date: "1950-01-02", sex: "male" as const };

describe("a patient as typed", () => {
  it("needs a family name, and a birth date that has been", () => {
    expect(patientFaults(NOBODY, TODAY)).toEqual({ family_name: "missing" });
    expect(patientFaults({ ...PERSON, birth_date: "2026-11-30" }, TODAY)).toEqual({ birth_date: "future" });
    expect(patientFaults({ ...PERSON, birth_date: TODAY }, TODAY)).toEqual({});
    expect(patientFaults({ ...PERSON, birth_date: "1896-01-01" }, TODAY)).toEqual({});
    expect(patientFaults({ ...PERSON, birth_date: "0196-03-14" }, TODAY)).toEqual({ birth_date: "long_ago" });
  });

  it("has no comma in a part of the name, in any writing", () => {
    for (const name of ["Berg, Nils", "Berg，Nils", "Berg、Nils"]) expect(patientFaults({ ...PERSON, family_name: name }, TODAY)).toEqual({ family_name: "comma" });
    expect(patientFaults({ ...PERSON, suffix: "MD, PhD" }, TODAY)).toEqual({});
  });

  it("needs a reason only where the EHR said otherwise", () => {
    expect(patientFaults(PERSON, TODAY)).toEqual({});
    expect(patientFaults(PERSON, TODAY, { needsReason: true })).toEqual({ reason: "reason" });
    expect(patientFaults({ ...PERSON, reason: "passport seen" }, TODAY, { needsReason: true })).toEqual({});
  });

  it("is sent without blanks around it; what is empty is not known", () => {
    expect(patientBody(PERSON)).toEqual({
      family_name: "Berg", given_name: "Nils", middle_name: null, as_of: null, prefix: null, suffix: null, birth_date: "1950-01-02", sex: "male", issuer: null, reason: null,
    });
  });

  it("who is unidentified begins without the name that was given here", () => {
    const patient = { family_name: "Unidentified", given_name: "Alfa Bravo", sex: "male", is_unidentified: true } as Patient;
    expect(typedPatient(patient)).toMatchObject({ family_name: "", given_name: "", sex: "male" });
    expect(typedPatient({ ...patient, is_unidentified: false })).toMatchObject({ family_name: "Unidentified", given_name: "Alfa Bravo" });
  });

  it("is unchanged whatever the reason is", () => {
    expect(isChanged({ ...PERSON, reason: "x" }, PERSON)).toBe(false);
    expect(isChanged({ ...PERSON, sex: "other" }, PERSON)).toBe(true);
  });
});

const ORDER = {
  accession_number: "A202611290001",
  description: "CT head",
  modality: "CT",
  scheduled_procedure_step_id: "A202611290001",
  requested_procedure_id: "A202611290001",
  scheduled_at: "2026-11-29T08:30:17.000Z",
  station_ae_title: null,
  further_steps: [],
  placer_order_number: "PL-1",
} as unknown as Order;

describe("an order as typed", () => {
  it("needs a description, and a modality for each step", () => {
    expect(orderFaults(NO_ORDER)).toEqual({ description: "missing", steps: "step" });
    expect(orderFaults({ ...NO_ORDER, description: "CT", steps: [{ ...NO_STEP, modality: "CT" }] })).toEqual({});
  });

  it("tells its steps apart", () => {
    const steps = [{ ...NO_STEP, modality: "CT", id: "1" }, { ...NO_STEP, modality: "MR", id: " 1 " }];
    expect(orderFaults({ ...NO_ORDER, description: "x", steps })).toEqual({ steps: "same_step" });
  });

  it("of several steps each gets an id, and none the id of another", () => {
    expect(numbered([NO_STEP]).map(({ id }) => id)).toEqual([""]);
    expect(numbered([NO_STEP, { ...NO_STEP, id: "1" }, NO_STEP]).map(({ id }) => id)).toEqual(["2", "1", "3"]);
  });

  it("changes nothing that nobody touched: no second, no number that only stands for another", () => {
    const body = orderBody(typedOrder(ORDER), "an-id", keptOf(ORDER));
    expect(body).toMatchObject({ scheduled_at: "2026-11-29T08:30:17.000Z", scheduled_procedure_step_id: null, requested_procedure_id: null, placer_order_number: "PL-1", mrn: "an-id" });
  });

  it("moves to the minute that was typed", () => {
    const typed = typedOrder(ORDER);
    const moved = { ...typed, steps: [{ ...typed.steps[0]!, at: "2026-12-01T10:15" }] };
    expect(orderBody(moved, "an-id").scheduled_at).toBe(instantOf("2026-12-01T10:15"));
  });
});

describe("moments and ages", () => {
  it("are read back as they were written, by this computer's clock", () => {
    expect(localOf(instantOf("2026-10-25T02:30"))).toMatch(/^2026-10-25T0[123]:30$/);
    expect(localOf(instantOf("2026-07-01T23:05"))).toBe("2026-07-01T23:05");
    expect(instantOf("")).toBeNull();
    expect(instantOf("soon")).toBeNull();
  });

  it("an age is a number of years that somebody can have, or nothing", () => {
    expect(["", " 40 ", "0", "130"].map(ageOf)).toEqual([null, 40, 0, 130]);
    expect(["131", "-1", "4.5", "forty"].map(ageOf)).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe("what the server says of a field", () => {
  it("stands at that field", () => {
    const error = new ApiError(422, "invalid_request", "", [{ field: "family_name", message: "at most 31 characters" }]);
    expect(saidOf(error, "family_name")).toBe("at most 31 characters");
    expect(saidOf(error, "sex")).toBeNull();
    expect(saidOf(null, "sex")).toBeNull();
  });
});
