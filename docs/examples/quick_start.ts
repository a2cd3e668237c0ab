/** Order, upload, list, viewer link, events: `node quick_start.js ADDRESS TOKEN FILE [SEQ]`. */
import { readFileSync } from "node:fs";

async function main(bridge: string, token: string, file: string, after = "0"): Promise<void> {
  async function call(method: string, path: string, body?: BodyInit, headers = {}): Promise<any> {
    const sent = { Authorization: `Bearer ${token}`, "Content-Type": "application/json", ...headers };
    const answer = await fetch(`${bridge}/api/v1/${path}`, { method, headers: sent, body });
    // a problem (RFC 9457): `code` for programs, `detail` for people, `type` says what to do
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  }

  const as_of = new Date().toISOString(); // an older message that comes late never replaces a newer one
  const person = { family_name: "Ferreira", given_name: "João", birth_date: "1975-06-30", sex: "male", as_of };
  await call("PUT", "patients/MRN-2002", JSON.stringify(person));
  const order = { mrn: "MRN-2002", modality: "MR", description: "MR brain", as_of };
  await call("PUT", "orders/ACC-2026-0102", JSON.stringify(order));
  const named = { "Content-Type": "application/dicom", "X-Order-Id": "ACC-2026-0102" };
  await call("POST", "dicom/upload", new Blob([readFileSync(file)]), named);
  const study = (await call("GET", "dicom/studies/order/ACC-2026-0102")).items[0].study_instance_uid;
  console.log(new URL((await call("GET", `dicom/viewer-url/${study}`)).url, bridge).href);
  for (let seq = after; ; ) {
    const page = await call("GET", `events?after=${seq}&limit=1000`);
    if (page.items.length === 0) break;
    for (const { seq, type, data } of page.items) console.log(seq, type, data.study_instance_uid ?? "");
    seq = page.next; // remember it: the next run goes on from here
  }
}

const [bridge, token, file, after] = process.argv.slice(2);
main(bridge, token, file, after).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
