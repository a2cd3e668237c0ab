import { afterEach, expect, it, vi } from "vitest";
import source from "../../../../ohif-config/app-config.js?raw";

afterEach(() => vi.unstubAllGlobals());

const code = /^function say[\s\S]*?^}/m.exec(source)?.[0] ?? "";
const said = [...code.matchAll(/^ {4}(?:'([^'\n]+)'|(\w+)):/gm)].map(([, text, word]) => text ?? word ?? "");

async function speaker() {
  const module = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(`${code}; export { say };`)}`)) as { say: (english: string) => string };
  return module.say;
}

it("says our words over OHIF in the language of our pages, else in the browser's", async () => {
  const say = await speaker();
  const ask = (kept: string | null, browser: string) => {
    vi.stubGlobal("window", { localStorage: { getItem: () => kept }, navigator: { language: browser } });
    return say("Close");
  };
  expect([ask("de", "en-US"), ask("en", "de-DE"), ask(null, "de-AT"), ask(null, "fr")]).toEqual(["Schließen", "Close", "Schließen", "Close"]);
  vi.stubGlobal("window", {});
  expect(say("Close")).toBe("Close");
});

it("has German for everything that is said, and nothing else", async () => {
  const say = await speaker();
  vi.stubGlobal("window", { localStorage: { getItem: () => "de" } });
  const joined = source.replace(/' \+\s*'/g, "");
  const named = new Map([...source.matchAll(/^const ([A-Z_]+) = '([^']+)';/gm)].map(([, name, value]) => [name ?? "", value ?? ""]));
  const asked = [...joined.matchAll(/\bsay\(\s*(?:'([^']+)'|([A-Z_]+))\s*\)/g)].map(([, text, name]) => text ?? named.get(name ?? "") ?? "");
  expect(asked.length).toBeGreaterThan(10);
  for (const english of asked) expect(say(english), english).not.toBe(english);
  expect(said.filter((english) => !asked.includes(english))).toEqual([]);
});
