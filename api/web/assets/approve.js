// Approves a batch with the officer's own signature: prepare, sign here, commit.

import { NoKeyHere, sign, supported } from "./officer_key.js";
import { post, Refused, word } from "./service.js";

for (const form of document.querySelectorAll("[data-approve]")) {
  if (!supported()) continue;
  form.hidden = false;
  const said = form.querySelector("[data-said]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.setAttribute("aria-busy", "true");
    said.textContent = "";
    const path = `/v1/batches/${form.dataset.approve}/approval`;
    try {
      const prepared = await post(`${path}/preparation`);
      const signed = await sign(form.dataset.officer, prepared);
      await post(path, { signed }, { "Idempotency-Key": crypto.randomUUID() });
      location.reload();
    } catch (error) {
      said.textContent = error instanceof NoKeyHere ? word("no-key") : word("failed");
      if (error instanceof Refused) said.textContent += ` ${error.code}`;
      button.removeAttribute("aria-busy");
    }
  });
}
