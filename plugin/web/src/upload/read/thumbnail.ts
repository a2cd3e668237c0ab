/** A small picture of an image that is stored plainly: grey or RGB, uncompressed, little endian, not too large. */
import dicomParser from "dicom-parser";
import { contentOf, type Source } from "./source";

const LARGEST = 8_000_000;
const PLAIN = new Set(["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"]);
const SIDE = 96;

export async function thumbnail(source: Source): Promise<Blob | null> {
  if (source.size > LARGEST) return null;
  const bytes = new Uint8Array(await (await contentOf(source)).arrayBuffer());
  const picture = plainPicture(bytes);
  if (!picture) return null;
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d")!.putImageData(picture, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}

/** The first frame, shrunk without smoothing, its values spread over all greys; null for what is not plain. */
export function plainPicture(bytes: Uint8Array): ImageData | null {
  const dataSet = dicomParser.parseDicom(bytes);
  const number = (tag: string) => dataSet.uint16(tag) ?? 0;
  const [rows, columns, samples, bits] = [number("x00280010"), number("x00280011"), number("x00280002"), number("x00280100")];
  const pixels = dataSet.elements.x7fe00010;
  const planar = number("x00280006") === 1;
  const syntax = dataSet.string("x00020010") ?? "";
  if (!pixels || !PLAIN.has(syntax) || rows * columns === 0 || planar) return null;
  if (!((samples === 1 && (bits === 8 || bits === 16)) || (samples === 3 && bits === 8))) return null;
  if (pixels.length < (rows * columns * samples * bits) / 8) return null;

  const photometric = dataSet.string("x00280004") ?? "";
  if (samples === 3 && photometric !== "RGB") return null;
  const signed = number("x00280103") === 1;
  const data = new DataView(bytes.buffer, bytes.byteOffset + pixels.dataOffset);
  const value = (index: number) =>
    bits === 8 ? data.getUint8(index) : signed ? data.getInt16(2 * index, true) : data.getUint16(2 * index, true);

  const scale = Math.min(1, SIDE / Math.max(rows, columns));
  const width = Math.max(1, Math.round(columns * scale));
  const height = Math.max(1, Math.round(rows * scale));
  const at = (x: number, y: number) => Math.floor(y / scale) * columns + Math.floor(x / scale);
  const image = new ImageData(width, height);
  const { low, spread } = samples === 1 ? range(width, height, (x, y) => value(at(x, y))) : { low: 0, spread: 255 };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const place = 4 * (y * width + x);
      for (let colour = 0; colour < 3; colour++) {
        const raw = value(at(x, y) * samples + (samples === 3 ? colour : 0));
        const grey = Math.round((255 * (raw - low)) / spread);
        image.data[place + colour] = photometric === "MONOCHROME1" ? 255 - grey : grey;
      }
      image.data[place + 3] = 255;
    }
  }
  return image;
}

function range(width: number, height: number, value: (x: number, y: number) => number): { low: number; spread: number } {
  let low = Infinity;
  let high = -Infinity;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const each = value(x, y);
      if (each < low) low = each;
      if (each > high) high = each;
    }
  }
  return { low, spread: Math.max(1, high - low) };
}
