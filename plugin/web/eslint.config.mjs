/**
 * What the compiler does not see: promises nobody waits for, hooks that miss a change, controls a screen reader cannot use.
 *
 * Of the rules for hooks only the two classic ones: the others are those of the React Compiler, which does not build
 * this page. They cost more than a third of the time and found nothing but the clock read while drawing.
 */
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import { defineConfig } from "eslint/config";
import { configs } from "typescript-eslint";

export default defineConfig(
  { ignores: ["dist/", "src/api/schema.ts", "public/", "tools/", "*.mjs"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  configs.recommendedTypeChecked,
  { languageOptions: { parserOptions: { projectService: true } } },
  {
    plugins: { "react-hooks": hooks },
    rules: { "react-hooks/rules-of-hooks": "error", "react-hooks/exhaustive-deps": "error" },
  },
  a11y.flatConfigs.recommended,
  // A function that stands in for a slow one is async because that one is.
  { files: ["**/*.test.ts", "**/*.test.tsx", "src/testing/**"], rules: { "@typescript-eslint/require-await": "off" } },
);
