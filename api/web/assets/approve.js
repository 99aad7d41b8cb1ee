// Approves a batch with the officer's own signature.

import { supported } from "./officer_key.js";
import { signedOnSubmit } from "./signed_form.js";

for (const form of document.querySelectorAll("[data-approve]")) {
  if (!supported()) continue;
  form.hidden = false;
  signedOnSubmit(form, `/v1/batches/${form.dataset.approve}/approval`);
}
