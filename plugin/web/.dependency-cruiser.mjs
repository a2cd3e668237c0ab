/**
 * The order of the folders, from top to bottom: a file imports from its own folder and from the lines below it.
 * Folders on one line know nothing of each other. Types count like everything else.
 */
const ORDER = [
  ["main.tsx"],
  ["app.tsx"],
  ["pages.tsx"],
  ["pages/"],
  ["shell/"],
  ["destinations/", "outside/", "reporting/"],
  ["accounts/", "audit/", "dashboard/", "deletions/", "interfaces/", "privacy/", "quarantine/", "sharing/", "system/", "uploads/", "viewer/"],
  ["chart/", "day/", "objects/", "reconciliation/"],
  ["study/"],
  ["desk/"],
  ["signin/"],
  ["upload/[^/]+$"],
  ["upload/known/", "corrections/", "documents/", "launch/", "made/", "printing/"],
  ["upload/read/"],
  ["components/"],
  ["auth/"],
  ["api/"],
  ["i18n/"],
  ["preferences.ts", "styles/"],
];

/** What tests stand on; nothing else may. */
const BENCH = "^src/testing/";

const oneOf = (names) => `^src/(${names.join("|")})`;
const TESTS = `[.]test[.]tsx?$|${BENCH}|^src/upload/read/testing[.]ts$`;

const upwards = ORDER.slice(1).map((line, at) => ({
  name: "upwards",
  comment: `${line.join(", ")} must not know ${ORDER.slice(0, at + 1).flat().join(", ")}`,
  severity: "error",
  from: { path: oneOf(line) },
  to: { path: oneOf(ORDER.slice(0, at + 1).flat()) },
}));

const sideways = ORDER.filter((line) => line.length > 1).map((line) => ({
  name: "sideways",
  comment: `${line.join(", ")} know nothing of each other`,
  severity: "error",
  from: { path: oneOf(line) },
  to: { path: oneOf(line), pathNot: "^src/$1" },
}));

export default {
  forbidden: [
    ...upwards,
    ...sideways,
    { name: "circle", severity: "error", from: {}, to: { circular: true } },
    { name: "no-place-in-the-order", comment: "name a new folder in ORDER", severity: "error", from: { path: "^src/", pathNot: [oneOf(ORDER.flat()), BENCH] }, to: {} },
    { name: "only-for-tests", severity: "error", from: { path: "^src/", pathNot: TESTS }, to: { path: BENCH } },
    { name: "nobody-imports-it", severity: "error", from: { orphan: true, path: "^src/", pathNot: "[.]d[.]ts$" }, to: {} },
    { name: "not-installed", severity: "error", from: {}, to: { couldNotResolve: true } },
    { name: "only-for-developers", severity: "error", from: { path: "^src/", pathNot: TESTS }, to: { path: "^node_modules/", dependencyTypes: ["npm-dev"] } },
  ],
  options: { doNotFollow: { path: "node_modules" }, tsPreCompilationDeps: true, tsConfig: { fileName: "tsconfig.json" } },
};
