// Adopts a policy with the officer's own signature: the very terms that the page previewed.

import { supported } from "./officer_key.js";
import { signedOnSubmit } from "./signed_form.js";

for (const form of document.querySelectorAll("[data-adopt]")) {
  if (!supported()) continue;
  form.hidden = false;
  const policy = JSON.parse(document.querySelector("template[data-policy]").content.textContent);
  signedOnSubmit(form, "/v1/policies", {
    preparation: "/v1/policies/preparations",
    asked: () => policy,
    committed: (_, signed) => ({ policy, signed }),
    done: () => location.assign(form.dataset.adopt),
  });
}
