/** What a key asks for while a report is written. Pure. By position of the key where Alt changes the character. */
export type Act = "sign" | "save" | "preliminary" | "critical" | "macros" | "before" | "images" | "next-section" | "previous-section" | "keys";

export interface Shortcut {
  act: Act;
  /** As they are printed. */
  keys: readonly string[];
}

export const SHORTCUTS: readonly Shortcut[] = [
  { act: "next-section", keys: ["Alt", "↓"] },
  { act: "previous-section", keys: ["Alt", "↑"] },
  { act: "macros", keys: ["Alt", "M"] },
  { act: "before", keys: ["Alt", "B"] },
  { act: "critical", keys: ["Alt", "K"] },
  { act: "images", keys: ["F6"] },
  { act: "save", keys: ["Ctrl", "S"] },
  { act: "preliminary", keys: ["Alt", "P"] },
  { act: "sign", keys: ["Ctrl", "Enter"] },
  { act: "keys", keys: ["F1"] },
];

type Pressed = Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;

const WITH_ALT: Readonly<Record<string, Act>> = {
  ArrowDown: "next-section",
  ArrowUp: "previous-section",
  KeyM: "macros",
  KeyB: "before",
  KeyK: "critical",
  KeyP: "preliminary",
};

export function meaningOf({ key, code, ctrlKey, metaKey, altKey, shiftKey }: Pressed): Act | null {
  const command = ctrlKey || metaKey;
  if (shiftKey) return null;
  if (command && !altKey) return key === "Enter" ? "sign" : key.toLowerCase() === "s" ? "save" : null;
  if (altKey && !command) return WITH_ALT[code] ?? null;
  if (altKey || command) return null;
  return key === "F6" ? "images" : key === "F1" ? "keys" : null;
}
