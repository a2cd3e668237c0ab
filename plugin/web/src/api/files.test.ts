import { describe, expect, it } from "vitest";
import { readCounted } from "./files";

function answer(pieces: string[], fault?: Error): Response {
  const coming = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces.shift();
      if (piece !== undefined) controller.enqueue(new TextEncoder().encode(piece));
      else if (fault) controller.error(fault);
      else controller.close();
    },
  });
  return new Response(coming);
}

describe("an answer that is read to its end", () => {
  it("is whole, and its bytes are told as they come", async () => {
    const told: number[] = [];
    const whole = await readCounted(answer(["id,at", "\r\n1,2"]), (bytes) => told.push(bytes));
    expect(await whole.text()).toBe("id,at\r\n1,2");
    expect(told).toEqual([5, 10]);
  });

  it("says that it was cut off where the connection breaks, and nothing where somebody ended it", async () => {
    await expect(readCounted(answer(["id"], new TypeError("network")), () => undefined)).rejects.toMatchObject({ code: "cut_off" });
    await expect(readCounted(answer(["id"], new DOMException("ended", "AbortError")), () => undefined)).rejects.toMatchObject({ name: "AbortError" });
  });
});
