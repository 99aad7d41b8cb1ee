// Certifies the ticked signatures with the witness's own.

import { supported } from "./officer_key.js";
import { Missing, signedOnSubmit } from "./signed_form.js";

for (const form of document.querySelectorAll("[data-certify]")) {
  if (!supported()) continue;
  for (const part of form.querySelectorAll("[data-signing]")) part.hidden = false;
  signedOnSubmit(form, `/v1/batches/${form.dataset.certify}/signatures/certification`, {
    asked() {
      const numbers = new FormData(form).getAll("number").map(Number);
      if (!numbers.length) throw new Missing("none");
      return { numbers };
    },
    committed: (certification, signed) => ({ certification, signed }),
  });
}
