// What `make lint` asks of the browser's half; its types are checked as tsconfig.json says.

import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    files: ["lrpwidgets/**/*.js"],
    languageOptions: { globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "max-lines-per-function": ["error", 90],
      "no-shadow": "error",
      "no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "prefer-const": ["error", { destructuring: "all" }],
    },
  },
  { files: ["lrpwidgets/dashboards/template/*.js"], languageOptions: { sourceType: "script" } },
];
