import svelte from "eslint-plugin-svelte";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["dist", ".built", ".node", "types"] },
  ...ts.configs.recommended,
  ...svelte.configs["flat/recommended"],
  { files: ["**/*.svelte", "**/*.svelte.ts"], languageOptions: { parserOptions: { parser: ts.parser } } },
  {
    rules: {
      // The policy of the server refuses code and markup that are made of strings, and inline styles.
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      // Sets and maps that never change need no reactive kind.
      "svelte/prefer-svelte-reactivity": "off",
      "svelte/no-at-html-tags": "error",
      "no-restricted-syntax": ["error", { selector: 'SvelteAttribute[key.name="style"]', message: "Use style:property={value}." }],
      "no-restricted-properties": [
        "error",
        { property: "innerHTML" },
        { property: "outerHTML" },
        { property: "insertAdjacentHTML" },
        { object: "document", property: "write" },
      ],
      "max-lines": ["error", { max: 250, skipBlankLines: true }],
    },
  },
);
