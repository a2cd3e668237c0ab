import type { made as english } from "../en/made";
import type { Translation } from "../translation";

export const made: Translation<typeof english> = {
  "made.title": "Was aufgenommen wurde",
  "made.number": "Serie {number}",
  "made.window": "Z {center} B {width}",
  "made.side.R": "rechts",
  "made.side.L": "links",
  "made.side.B": "beidseits",
  "made.side.U": "unpaarig",
  "made.look.label": "Kurzer Blick: {what}, Serie {number}",
  "made.look.title": "Kurzer Blick: {what}",
  "made.look.picture": "Bild",
  "made.look.image": "Bild",
  "made.look.at": "Bild {at} von {count}",
  "made.look.none": "Der Server kann dieses Bild nicht darstellen. Vielleicht zeigt es die Bildansicht.",
  "made.look.keys": "Tasten: auf und ab, Bild auf und Bild ab, Pos1 und Ende für das Bild; links und rechts für die Helligkeit; + und - für den Kontrast; 1 bis 9 für ein Fenster. Ein kurzer Blick ist keine Befundung.",
  "made.preset.own": "Wie gespeichert",
  "made.preset.soft": "Weichteile",
  "made.preset.lung": "Lunge",
  "made.preset.bone": "Knochen",
  "made.preset.brain": "Gehirn",
  "made.contrast.more": "Mehr Kontrast",
  "made.contrast.less": "Weniger Kontrast",
  "made.brighter": "Heller",
  "made.darker": "Dunkler",
};
