// @vitest-environment happy-dom
import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Study } from "../api/types";
import { shown } from "../testing/page";
import { StudyFacts } from "./StudyFacts";

const study = {
  study_instance_uid: "1.2", modalities: ["CT"], accession_number: "A-1", number_of_instances: 3, number_of_series: 1, order_ids: ["o1", "o2"], accession_numbers: ["A-1", "A-2"],
} as unknown as Study;

describe("the facts of a study", () => {
  it("lead to each order that it answers", () => {
    shown(<StudyFacts study={study} />, {}, ["read"]);
    expect(screen.getAllByRole("link").map((link) => [link.textContent, link.getAttribute("href")])).toEqual([["A-1", "/orders/o1"], ["A-2", "/orders/o2"]]);
  });

  it("say its accession number where there is no order, or nothing to be read", () => {
    shown(<StudyFacts study={{ ...study, order_ids: [], accession_numbers: [] }} />, {}, ["read"]);
    expect(screen.queryAllByRole("link")).toEqual([]);
    expect(screen.getByText("A-1")).toBeTruthy();
  });
});
