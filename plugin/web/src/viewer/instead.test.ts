import { Window } from "happy-dom";
import { afterEach, expect, it, vi } from "vitest";
import source from "../../../../ohif-config/app-config.js?raw";

const NAMES = ["showInsteadOfBlack", "madeInstead", "say"];
const Events = { IMAGE_LOAD_ERROR: "load-error", PRE_STACK_NEW_IMAGE: "pre-new", STACK_NEW_IMAGE: "new", VOLUME_NEW_IMAGE: "volume", VIEWPORT_NEW_IMAGE_SET: "set" };
const imageOf = (study: number, instance: number) => `wadors:/dicom-web/studies/1.${study}/series/2/instances/3.${instance}/frames/1`;

afterEach(() => vi.unstubAllGlobals());

it("takes the picture of an image away as soon as its viewport wants another one, whatever becomes of that", async () => {
  const page = new Window({ url: "https://example.org/ohif/" });
  const looks: (() => void)[] = [];
  const element = page.document.createElement("div");
  page.document.body.append(element);
  let stack = [imageOf(1, 1), imageOf(1, 2)];
  const viewports = [{ element, getImageIds: () => stack, getCurrentImageIdIndex: () => 0 }];
  const eventTarget = new EventTarget();
  const metaData = { get: () => ({ SeriesNumber: 4, SeriesDescription: "<b>Thorax</b>", InstanceNumber: 7 }) };
  const cornerstone = { Enums: { Events }, eventTarget, metaData, getRenderingEngines: () => [{ getViewports: () => viewports }] };
  vi.stubGlobal("document", page.document);
  vi.stubGlobal("window", { location: { href: "https://example.org/ohif/" }, cornerstone, setInterval: (look: () => void) => looks.push(look) });
  vi.stubGlobal("fetch", () => Promise.resolve({ ok: false }));
  const code = NAMES.map((name) => new RegExp(`^function ${name}[\\s\\S]*?^}`, "m").exec(source)?.[0] ?? "").join("\n");
  const whole = `${code}; const keepReading = {}; export const start = showInsteadOfBlack;`;
  const { start } = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(whole)}`)) as { start: () => void };
  start();
  const look = () => looks.forEach((each) => each());
  const fails = (imageId: string, status: number) => eventTarget.dispatchEvent(new CustomEvent("load-error", { detail: { imageId, error: { status } } }));
  const said = () => element.querySelector(".ehr-bridge-instead strong")?.textContent;

  fails(imageOf(1, 1), 500);
  expect(said()).toBe("Series 4, <b>Thorax</b>, image 7, frame 1");
  fails(imageOf(1, 2), 500); // one that nobody looks at
  look();
  expect(said()).toBeTruthy();

  stack = [imageOf(2, 1)];
  fails(imageOf(2, 1), 403);
  expect(said()).toBeUndefined();

  for (const event of ["pre-new", "set"]) {
    fails(stack[0]!, 500);
    element.dispatchEvent(new page.CustomEvent(event)); // of the very image
    expect(said()).toBeTruthy();
    stack = [imageOf(stack[0] === imageOf(2, 1) ? 3 : 2, 1)];
    element.dispatchEvent(new page.CustomEvent(event));
    expect(said()).toBeUndefined();
  }

  fails(stack[0]!, 500);
  element.dispatchEvent(new page.CustomEvent("new"));
  expect(said()).toBeUndefined();

  fails(stack[0]!, 500);
  stack = [imageOf(1, 1)]; // and nothing says so
  look();
  expect(said()).toBeUndefined();

  fails(stack[0]!, 500);
  viewports.length = 0;
  look();
  expect(said()).toBeUndefined();
});
