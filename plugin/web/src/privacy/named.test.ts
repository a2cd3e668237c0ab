import { expect, it } from "vitest";
import { namedBy } from "./named";

it.each([
  ["/patients/7", "", { patient_id: "7" }],
  ["/orders/ACC-1", "", { order_id: "ACC-1" }],
  ["/studies/1.2", "", { study_instance_uid: "1.2" }],
  ["/studies/1.2/objects", "", { study_instance_uid: "1.2" }],
  ["/view/1.2", "?compare=1.3", { study_instance_uid: "1.2" }],
  ["/upload", "?order=ACC-1", { order_id: "ACC-1" }],
  ["/uploads", "?patient=MRN-1", { patient_id: "MRN-1" }],
  ["/reports/9", "", null],
])("%s%s is about one patient, or about nobody who could be named", (path, search, named) => {
  expect(namedBy(path, search)).toEqual(named);
});
