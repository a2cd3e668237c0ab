/** Waveforms as curves (PS3.3 section C.10.9). Pure: bytes in, paths out. */
import dicomParser from "dicom-parser";

export interface Channel {
  name: string;
  /** In units of `unit`, after sensitivity, correction and baseline. */
  samples: Float32Array;
  unit: string;
}

export interface Waveform {
  label: string;
  /** Samples per second. */
  frequency: number;
  channels: Channel[];
}

type Parsed = ReturnType<typeof dicomParser.parseDicom>;

/** The multiplex groups of a file; those whose samples are not 8 or 16 bits wide, or not all there, are left out. */
export function waveformsOf(file: Uint8Array): Waveform[] {
  const data = dicomParser.parseDicom(file);
  return sequence(data, "x54000100").map(groupOf).filter((group): group is Waveform => group !== null);
}

function groupOf(group: Parsed): Waveform | null {
  const definitions = sequence(group, "x003a0200");
  const count = group.uint16("x003a0005") ?? definitions.length;
  const length = group.uint32("x003a0010") ?? 0;
  const frequency = group.floatString("x003a001a") ?? 0;
  const bits = group.uint16("x54001004") ?? 16;
  const data = group.elements.x54001010;
  const width = bits / 8;
  if (!data || (width !== 1 && width !== 2) || !(frequency > 0) || count < 1 || data.length < count * length * width) return null;
  const view = new DataView(group.byteArray.buffer, group.byteArray.byteOffset + data.dataOffset, data.length);
  const read = width === 2 ? (at: number) => view.getInt16(at * 2, true) : (at: number) => view.getInt8(at);
  const channels = Array.from({ length: count }, (_, channel): Channel => {
    const says = definitions[channel];
    const factor = (says?.floatString("x003a0210") ?? 1) * (says?.floatString("x003a0212") ?? 1);
    const baseline = says?.floatString("x003a0213") ?? 0;
    const samples = Float32Array.from({ length }, (_, at) => read(at * count + channel) * factor + baseline);
    return { name: nameOf(says) || String(channel + 1), samples, unit: codeOf(says, "x003a0211").value };
  });
  return { label: group.string("x003a0020") ?? "", frequency, channels };
}

function nameOf(channel: Parsed | undefined): string {
  return (channel?.string("x003a0203") || codeOf(channel, "x003a0208").meaning).replace(/^Lead /, "").replace(/ \(.*\)$/, "");
}

function codeOf(of: Parsed | undefined, tag: string): { value: string; meaning: string } {
  const [code] = of ? sequence(of, tag) : [];
  return { value: code?.string("x00080100") ?? "", meaning: code?.string("x00080104") ?? "" };
}

function sequence(of: Parsed, tag: string): Parsed[] {
  return (of.elements[tag]?.items ?? []).map((item) => item.dataSet).filter((one): one is Parsed => one !== undefined);
}

/** How many of a channel's units are one millivolt; 0 where it is no voltage. */
export function perMillivolt(unit: string): number {
  return { mV: 1, uV: 1000, V: 0.001 }[unit] ?? 0;
}

/**
 * The curve of a channel, in millimetres of paper at 25 mm/s and 10 mm/mV: one point where it is quiet, the lowest and the
 * highest of each tenth of a millimetre where there are more samples than that. A channel that is no voltage fills 10 mm.
 */
export function curve({ samples, unit }: Channel, frequency: number): string {
  const scale = 10 / (perMillivolt(unit) || Math.max(1e-6, highest(samples)));
  const step = Math.max(1, Math.floor(frequency / 250));
  const points: string[] = [];
  const point = (at: number) => points.push(`${((at / frequency) * 25).toFixed(2)},${(-(samples[at] ?? 0) * scale).toFixed(2)}`);
  for (let from = 0; from < samples.length; from += step) {
    let low = from;
    let high = from;
    for (let at = from; at < Math.min(from + step, samples.length); at++) {
      if (samples[at]! < samples[low]!) low = at;
      if (samples[at]! > samples[high]!) high = at;
    }
    point(Math.min(low, high));
    if (low !== high) point(Math.max(low, high));
  }
  return points.length > 0 ? `M${points.join("L")}` : "";
}

function highest(samples: Float32Array): number {
  return samples.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
}
