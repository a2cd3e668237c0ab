// @vitest-environment happy-dom
import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Rejection } from "../api/rejections";
import { shown } from "../testing/page";
import { RejectedLook } from "./RejectedLook";

const image = (isKept: boolean) => ({ sop_instance_uid: "1.2", series_instance_uid: "1.3", is_put_aside: isKept });
const rejection = (images: ReturnType<typeof image>[]) => ({ id: "r1", images }) as unknown as Rejection;

describe("rejected images", () => {
  it("are shown one by one where they are kept, a page at a time", () => {
    const view = shown(<RejectedLook rejection={rejection([image(false), ...Array.from({ length: 20 }, () => image(true))])} onClose={() => undefined} />);
    expect(view.baseElement.querySelectorAll(".rejected-look li")).toHaveLength(12);
    screen.getByRole("button", { name: "Show more" });
    screen.getByText(/in the audit trail/);
  });
});
