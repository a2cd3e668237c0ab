/** Order, upload, list, viewer link with a client that @hey-api/openapi-ts generated in the folder `bridge`. */
import { readFileSync } from "node:fs";

import { client } from "./bridge/client.gen";
import { getViewerUrl, listStudies, putOrder, putPatient, uploadFile } from "./bridge/sdk.gen";

async function main(address: string, token: string, file: string): Promise<string> {
  client.setConfig({ auth: token, baseUrl: address, throwOnError: true });
  await putPatient({ path: { patient: "MRN-3002" }, body: { family_name: "Ferreira", given_name: "João", sex: "male" } });
  const wish = { mrn: "MRN-3002", modality: "MR", description: "MR brain" };
  const order = await putOrder<true>({ path: { order: "ACC-2026-0302" }, body: wish });
  const image = new Blob([readFileSync(file)]);
  const stored = await uploadFile<true>({ body: image, headers: { "X-Order-Id": order.data.id } });
  const study = stored.data.studies[0].study_instance_uid;
  const listed = await listStudies<true>({ query: { accession_number: "ACC-2026-0302" } });
  if (listed.data.items.map((each) => each.study_instance_uid).join() !== study) {
    throw new Error("the study is not listed under its order");
  }
  return (await getViewerUrl<true>({ path: { study_uid: study } })).data.url;
}

const [address, token, file] = process.argv.slice(2);
main(address, token, file).then(console.log);
