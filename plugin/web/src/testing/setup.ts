/** Before each test file: what one test has drawn is gone before the next, of this file or another. */
import { afterEach } from "vitest";

if (typeof document !== "undefined") {
  const { cleanup } = await import("@testing-library/react");
  afterEach(cleanup);
}
