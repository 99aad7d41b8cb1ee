// Gives up money that was to come back, with the officer's own signature.

import { supported } from "./officer_key.js";
import { signedOnSubmit } from "./signed_form.js";

for (const form of document.querySelectorAll("[data-write-off]")) {
  if (!supported()) continue;
  form.hidden = false;
  signedOnSubmit(form, `/v1/cases/${form.dataset.writeOff}/write-offs`, {
    asked: () => ({ amount_fen: Number(form.elements.amount_fen.value), ground: form.elements.ground.value.trim() }),
    committed: (write_off, signed) => ({ write_off, signed }),
  });
}
