// @vitest-environment happy-dom
import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Rejection } from "../api/rejections";
import { shown } from "../testing/page";
import { RejectedLook } from "./RejectedLook";
import { RejectedPanel } from "./RejectedPanel";

const image = (isKept: boolean) => ({ sop_instance_uid: "1.2", series_instance_uid: "1.3", is_put_aside: isKept });
const rejection = (images: ReturnType<typeof image>[]) => ({ id: "r1", images }) as unknown as Rejection;

describe("rejected images", () => {
  it("are shown one by one where they are kept, a page at a time", () => {
    const view = shown(<RejectedLook rejection={rejection([image(false), ...Array.from({ length: 20 }, () => image(true))])} onClose={() => undefined} />);
    expect(view.baseElement.querySelectorAll(".rejected-look li")).toHaveLength(12);
    screen.getByRole("button", { name: "Show more" });
    screen.getByText(/in the audit trail/);
  });

  it("are shown to those who may see images only", async () => {
    const known = { ...rejection([image(true)]), status: "rejected", reason: "quality", number_of_images: 1, requested_by: "rita", requested_at: "2026-01-15T08:00:00Z" };
    const answers = { "GET dicom/rejections": [200, { items: [known] }] as [number, unknown] };
    const view = shown(<RejectedPanel study="1.2" />, answers, ["read", "modify_tags"]);
    await screen.findByRole("button", { name: "Take back…" });
    expect(screen.queryByRole("button", { name: "Look at the images" })).toBeNull();
    view.unmount();
    shown(<RejectedPanel study="1.2" />, answers, ["read", "modify_tags", "view"]);
    await screen.findByRole("button", { name: "Look at the images" });
  });
});
