/** Small DICOM files and ZIP archives for the tests of this folder. */

type Values = Record<string, [vr: string, value: string]>;

/** An explicit little endian file in UTF-8; `values` add to or replace what every file says. */
export function part10(values: Values, sopClass = "1.2.840.10008.5.1.4.1.1.4"): Uint8Array<ArrayBuffer> {
  const all: Values = {
    x00080005: ["CS", "ISO_IR 192"],
    x00080018: ["UI", "1.2.3.4.5"],
    x0020000d: ["UI", "1.2.3"],
    x0020000e: ["UI", "1.2.3.4"],
    ...values,
  };
  const meta = [element("x00020002", "UI", sopClass), element("x00020010", "UI", "1.2.840.10008.1.2.1")];
  const length = new Uint8Array(new Uint32Array([meta.reduce((sum, each) => sum + each.length, 0)]).buffer);
  const body = Object.keys(all).sort().map((tag) => element(tag, ...all[tag]!));
  return joined([new Uint8Array(128), bytesOf("DICM"), head("x00020000", "UL", 4), length, ...meta, ...body]);
}

/** The same file with a Request Attributes Sequence of one item at its end. */
export function withRequest(file: Uint8Array<ArrayBuffer>, scheduledProcedureStepId: string): Uint8Array<ArrayBuffer> {
  const step = element("x00400009", "SH", scheduledProcedureStepId);
  const sequence = joined([u16(0x0040, 0x0275), bytesOf("SQ"), u16(0), u32(step.length + 8)]);
  return joined([file, sequence, u16(0xfffe, 0xe000), u32(step.length), step]);
}

export interface Packed {
  name: string;
  content: Uint8Array<ArrayBuffer>;
  store?: boolean;
  encrypted?: boolean;
  /** The size that it claims to have. */
  claims?: number;
}

export async function zip(files: readonly Packed[]): Promise<Uint8Array<ArrayBuffer>> {
  const locals: Uint8Array<ArrayBuffer>[] = [];
  const central: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  for (const { name, content, store = false, encrypted = false, claims = content.length } of files) {
    const packed = store ? content : await deflated(content);
    const nameBytes = bytesOf(name);
    const common = [0x0800 | (encrypted ? 1 : 0), store ? 0 : 8, 0, 0];
    const local = joined([u32(0x04034b50), u16(20, ...common), u32(0, packed.length, claims), u16(nameBytes.length, 0), nameBytes, packed]);
    central.push(joined([
      u32(0x02014b50), u16(20, 20, ...common), u32(0, packed.length, claims), u16(nameBytes.length, 0, 0, 0, 0), u32(0, offset), nameBytes,
    ]));
    locals.push(local);
    offset += local.length;
  }
  const directory = joined(central);
  const end = joined([u32(0x06054b50), u16(0, 0, files.length, files.length), u32(directory.length, offset), u16(0)]);
  return joined([...locals, directory, end]);
}

async function deflated(content: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([content]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function element(tag: string, vr: string, value: string): Uint8Array<ArrayBuffer> {
  const bytes = bytesOf(value);
  const padded = new Uint8Array(bytes.length + (bytes.length & 1)).fill(vr === "UI" ? 0 : 0x20);
  padded.set(bytes);
  return joined([head(tag, vr, padded.length), padded]);
}

function head(tag: string, vr: string, length: number): Uint8Array<ArrayBuffer> {
  return joined([u16(parseInt(tag.slice(1, 5), 16), parseInt(tag.slice(5), 16)), bytesOf(vr), u16(length)]);
}

const bytesOf = (text: string) => new Uint8Array(new TextEncoder().encode(text));
const u16 = (...values: number[]) => new Uint8Array(new Uint16Array(values).buffer);
const u32 = (...values: number[]) => new Uint8Array(new Uint32Array(values).buffer);

function joined(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, each) => sum + each.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
