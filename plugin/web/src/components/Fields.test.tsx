// @vitest-environment happy-dom
import { act, fireEvent, screen } from "@testing-library/react";
import { useState } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { shown } from "../testing/page";
import { Pager, SearchField } from "./Fields";

describe("a search box", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function Searching({ onSearch }: { onSearch: (q: string) => void }) {
    const [q, setQ] = useState("");
    return (
      <>
        <SearchField label="Search" hint="Name" value={q} onChange={(text) => { onSearch(text); setQ(text); }} />
        <button type="button" onClick={() => setQ("from elsewhere")}>Other</button>
      </>
    );
  }

  it("asks once, when the typing pauses, and not for blanks", () => {
    const onSearch = vi.fn();
    shown(<Searching onSearch={onSearch} />);
    const box = screen.getByRole("searchbox", { name: "Search" });
    for (const typed of ["D", "Do", "Doe "]) {
      fireEvent.change(box, { target: { value: typed } });
      act(() => void vi.advanceTimersByTime(200));
    }
    expect(onSearch).not.toHaveBeenCalled();
    act(() => void vi.advanceTimersByTime(1000));
    expect(onSearch.mock.calls).toEqual([["Doe"]]);
  });

  it("shows what is searched for when something else changed it, and does not ask again", () => {
    const onSearch = vi.fn();
    shown(<Searching onSearch={onSearch} />);
    fireEvent.click(screen.getByRole("button", { name: "Other" }));
    act(() => void vi.advanceTimersByTime(1000));
    expect(screen.getByRole<HTMLInputElement>("searchbox").value).toBe("from elsewhere");
    expect(onSearch).not.toHaveBeenCalled();
  });
});

describe("the pages of a list", () => {
  const pager = (offset: number, onMove = vi.fn()) => {
    shown(<Pager offset={offset} limit={50} shown={offset === 100 ? 20 : 50} total={120} onMove={onMove} />);
    const [back, next] = screen.getAllByRole<HTMLButtonElement>("button", { name: /Previous|Next/ });
    return { back: back!, next: next!, onMove };
  };

  it("are left at neither end", () => {
    expect(pager(0).back.disabled).toBe(true);
  });

  it("end with the last one, and one goes back from there", () => {
    const { back, next, onMove } = pager(100);
    expect(next.disabled).toBe(true);
    fireEvent.click(back);
    expect(onMove.mock.calls).toEqual([[50]]);
  });
});
