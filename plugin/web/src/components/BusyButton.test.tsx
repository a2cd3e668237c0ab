// @vitest-environment happy-dom
import { useMutation } from "@tanstack/react-query";
import { act, fireEvent, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { shown } from "../testing/page";
import { BusyButton } from "./BusyButton";
import { FormDialog } from "./FormDialog";

/** Work that has begun, and how each of it ends. */
const begun: (() => void)[] = [];
const work = () => new Promise<void>((end) => begun.push(end));
/** Until everything that a press has set off is drawn. */
const moment = () => act(() => new Promise<void>((end) => setTimeout(end, 5)));

function Saves() {
  const saving = useMutation({ mutationFn: work });
  return (
    <BusyButton busy={saving.isPending} onPress={() => saving.mutate()}>
      Save
    </BusyButton>
  );
}

function Form({ isComplete }: { isComplete: () => boolean }) {
  const saving = useMutation({ mutationFn: work });
  return (
    <FormDialog title="Order" action="Save" busy={saving.isPending} error={null} onSubmit={() => isComplete() && saving.mutate()} onClose={() => {}}>
      <p>Fields</p>
    </FormDialog>
  );
}

describe("something that is saved", () => {
  it("begins once when its button is pressed twice, which says so, keeps the focus and can be pressed afterwards", async () => {
    begun.length = 0;
    shown(<Saves />);
    const button = screen.getByRole("button", { name: "Save" });
    button.focus();
    fireEvent.click(button);
    fireEvent.click(button);
    await moment();
    fireEvent.click(button);
    await moment();
    expect(begun).toHaveLength(1);
    expect(button.textContent).toBe("Please wait…");
    expect(document.activeElement).toBe(button);
    begun[0]?.();
    await moment();
    expect(button.textContent).toBe("Save");
    fireEvent.click(button);
    await moment();
    expect(begun).toHaveLength(2);
  });

  it("is not promised a further question by the button that ends its dialog", () => {
    shown(<FormDialog title="Undo" action="Undo…" busy={false} error={null} onSubmit={() => {}} onClose={() => {}} children={null} />);
    expect(screen.getByRole("button", { name: "Undo" }).textContent).toBe("Undo");
  });

  it("is sent once by a form that is sent twice, also when it was incomplete before", async () => {
    begun.length = 0;
    let complete = false;
    shown(<Form isComplete={() => complete} />);
    const form = screen.getByRole("button", { name: "Save" }).closest("form") as HTMLFormElement;
    fireEvent.submit(form);
    await moment();
    expect(begun).toHaveLength(0);
    complete = true;
    fireEvent.submit(form);
    fireEvent.submit(form);
    await moment();
    expect(begun).toHaveLength(1);
  });
});
