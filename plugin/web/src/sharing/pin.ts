type Draw = () => number;

const drawn: Draw = () => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;

/** A PIN of six digits that nobody has thought of; `draw` gives a number of 32 bits. */
export function newPin(draw: Draw = drawn): string {
  const most = 4_294_967_296 - (4_294_967_296 % 1_000_000);
  for (;;) {
    const number = draw();
    // The last few numbers would make some PINs likelier than others.
    if (number < most) return String(number % 1_000_000).padStart(6, "0");
  }
}
