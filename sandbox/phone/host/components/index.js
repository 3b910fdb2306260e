/** All built-in components: tag → properties, events, how it is made. */

import { basic } from "./basic.js";
import { choices } from "./choices.js";
import { fields } from "./fields.js";
import { form } from "./form.js";
import { makeCamera } from "./camera.js";
import { media } from "./media.js";
import { makePageParts } from "./page.js";
import { scrolling } from "./scrolling.js";

/** @returns {Map<string, any>} */
export function listBuiltIns(phone) {
  return new Map(Object.entries({
    ...basic(phone), ...fields(phone), ...choices(phone), ...form(phone), ...media(phone), ...scrolling(phone), ...makeCamera(phone), ...makePageParts(phone),
  }));
}

/** Tell the page of something that happened inside a built-in. */
export function tell(comp, name, detail = {}) {
  comp.triggerEvent(name, detail, { bubbles: false, composed: false });
}
