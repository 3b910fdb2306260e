/** form: gathers the named fields inside it when a button with form-type is tapped. */

import { tell } from "./index.js";

export function form() {
  return {
    form: {
      properties: { reportSubmit: [Boolean, false] },
      events: ["submit", "reset"],
      made(comp, { el }) {
        const named = () => [...el.querySelectorAll("[data-form-name]")].filter((each) => each.dataset.formName && each.formValue);
        comp.submitForm = () => tell(comp, "submit", { value: Object.fromEntries(named().map((each) => [each.dataset.formName, each.formValue()])) });
        comp.resetForm = () => { for (const each of named()) each.formReset?.(); tell(comp, "reset", {}); };
      },
    },
  };
}
