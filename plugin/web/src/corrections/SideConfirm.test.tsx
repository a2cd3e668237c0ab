// @vitest-environment happy-dom
import { cleanup, render, screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, describe, expect, it } from "vitest";
import { useSide } from "./SideConfirm";

afterEach(cleanup);

function Held({ before, after, refused = false }: { before: string; after: string; refused?: boolean }) {
  const side = useSide(before, after, refused);
  return (
    <>
      {side.question}
      <output>{side.isOpen ? "open" : "settled"}</output>
    </>
  );
}

const state = () => screen.getByRole("status").textContent;

describe("a side that is corrected", () => {
  it("is said again in words before it is stored, and again when it changes once more", async () => {
    const user = userEvent.setup();
    const { rerender } = render(<Held before="L" after="R" refused />);
    expect([state(), screen.getByRole("alert").textContent]).toEqual(["open", "Confirm the side first."]);
    await user.click(screen.getByRole("checkbox", { name: "I have checked it: the side is Right" }));
    expect(state()).toBe("settled");
    rerender(<Held before="L" after="" refused />);
    expect(state()).toBe("open");
    expect(screen.getByRole("checkbox", { name: "I have checked it: these images have no side", checked: false })).toBeTruthy();
  });

  it("asks nothing while it stays", () => {
    render(<Held before="L" after="L" />);
    expect([state(), screen.queryByRole("checkbox")]).toEqual(["settled", null]);
  });
});
