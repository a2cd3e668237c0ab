// @vitest-environment happy-dom
import { act, cleanup, render, screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { useState } from "react";
import { afterEach, describe, expect, it } from "vitest";
import { setLanguage } from "../i18n";
import { parseDay, parseMoment } from "../i18n/parseDay";
import { addDays, addMonths, weeksOf } from "./calendarDays";
import { DateField, MomentField } from "./DateField";

afterEach(async () => {
  cleanup();
  await setLanguage("en");
});

describe("a day that is typed", () => {
  it("is understood with the day first, as a number or by the month's name", () => {
    for (const text of ["31.1.2026", "31/01/2026", "31-1-2026", "31 Jan 2026", "31 january 2026", "31. January 2026", "2026-01-31", "20260131"]) expect(parseDay(text), text).toBe("2026-01-31");
    expect(parseDay("1 Sept 2026")).toBe("2026-09-01");
  });

  it("is none when it is half a day, or would be a guess", () => {
    for (const text of ["", "31", "31.1.26", "01/31/2026", "30.2.2026", "31 Foo 2026", "2026-13-01", "0.0.2026"]) expect(parseDay(text), text).toBe(null);
  });

  it("is understood in German, and in English there too", async () => {
    await setLanguage("de");
    for (const text of ["31.3.2026", "31. März 2026", "31 Mär 2026", "31. Mrz. 2026", "31 March 2026"]) expect(parseDay(text), text).toBe("2026-03-31");
  });
});

describe("a moment that is typed", () => {
  it("is a day and its time", () => {
    for (const text of ["31.1.2026 9:15", "31 Jan 2026, 09:15", "2026-01-31T09:15", "31/01/2026 9.15"]) expect(parseMoment(text), text).toBe("2026-01-31T09:15");
    for (const text of ["31.1.2026", "9:15", "31.1.2026 24:00", "31.1.2026 9:60", "31.1.26 9:15"]) expect(parseMoment(text), text).toBe(null);
  });
});

describe("days of a calendar", () => {
  it("keep to the end of shorter months and of the year", () => {
    expect([addMonths("2026-01-31", 1), addMonths("2024-02-29", 12), addMonths("2026-01-15", -1), addDays("2025-12-31", 1)]).toEqual(["2026-02-28", "2025-02-28", "2025-12-15", "2026-01-01"]);
    expect(weeksOf("2026-02-10").map((week) => [week[0], week[6]])).toEqual([["2026-01-26", "2026-02-01"], ["2026-02-02", "2026-02-08"], ["2026-02-09", "2026-02-15"], ["2026-02-16", "2026-02-22"], ["2026-02-23", "2026-03-01"]]);
  });
});

function Held({ first = "" }: { first?: string }) {
  const [value, setValue] = useState(first);
  return (
    <>
      <DateField label="Born" value={value} onChange={setValue} />
      <output>{value}</output>
    </>
  );
}

const field = () => screen.getByLabelText<HTMLInputElement>("Born");

describe("the field of a day", () => {
  it("shows what it understood, and says how a day is typed where it understood nothing", async () => {
    const user = userEvent.setup();
    render(<Held />);
    await user.type(field(), "5.11.1961");
    await user.tab();
    expect([field().value, screen.getByRole("status").textContent]).toEqual(["05 Nov 1961", "1961-11-05"]);
    await user.clear(field());
    await user.type(field(), "5.11.61");
    await user.tab();
    expect(screen.getByText("Type it as DD/MM/YYYY.")).toBeTruthy();
    expect([field().getAttribute("aria-invalid"), screen.getByRole("status").textContent]).toEqual(["true", ""]);
  });

  it("has a calendar for the keyboard", async () => {
    const user = userEvent.setup();
    render(<Held first="2026-01-31" />);
    await user.click(screen.getByRole("button", { name: "Calendar" }));
    expect((await screen.findByRole("grid")).getAttribute("aria-label")).toBe("January 2026");
    expect(document.activeElement?.getAttribute("aria-label")).toBe("31 Jan 2026");
    await user.keyboard("{PageDown}{ArrowUp}{Home}");
    expect(screen.getByRole("grid").getAttribute("aria-label")).toBe("February 2026");
    await user.keyboard("{Enter}");
    expect([field().value, screen.queryByRole("grid")]).toEqual(["16 Feb 2026", null]);
    await user.click(screen.getByRole("button", { name: "Calendar" }));
    await screen.findByRole("grid");
    await user.keyboard("{Escape}");
    expect([screen.queryByRole("grid"), document.activeElement]).toEqual([null, screen.getByRole("button", { name: "Calendar" })]);
  });

  it("of a moment keeps the time when the day changes, and asks for one where there is none", async () => {
    const user = userEvent.setup();
    const Moment = () => {
      const [value, setValue] = useState("");
      return (
        <>
          <MomentField label="Born" value={value} onChange={setValue} />
          <output>{value}</output>
        </>
      );
    };
    render(<Moment />);
    await user.click(screen.getByRole("button", { name: "Calendar" }));
    await screen.findByRole("grid");
    await user.keyboard("{Enter}");
    expect([screen.getByRole("status").textContent, screen.getByText("Type it as DD/MM/YYYY HH:MM.")]).toEqual(["", expect.anything()]);
    await user.type(field(), "7:30");
    await user.tab();
    expect([field().value, screen.getByRole("status").textContent]).toEqual([expect.stringMatching(/ 07:30$/), expect.stringMatching(/T07:30$/)]);
    await user.click(screen.getByRole("button", { name: "Calendar" }));
    await screen.findByRole("grid");
    await user.keyboard("{ArrowRight}{Enter}");
    expect(screen.getByRole("status").textContent).toMatch(/T07:30$/);
  });

  it("speaks the page's language, not the browser's", async () => {
    const user = userEvent.setup();
    await setLanguage("de");
    render(<Held first="1961-03-14" />);
    expect([field().value, field().placeholder]).toEqual(["14. März 1961", "TT.MM.JJJJ"]);
    await user.click(screen.getByRole("button", { name: "Kalender" }));
    expect((await screen.findByRole("grid")).getAttribute("aria-label")).toBe("März 1961");
    await user.clear(screen.getByLabelText("Jahr"));
    await user.type(screen.getByLabelText("Jahr"), "1971");
    await act(async () => {
      await user.click(screen.getByRole("button", { name: "14. März 1971" }));
    });
    expect(screen.getByRole("status").textContent).toBe("1971-03-14");
  });
});
