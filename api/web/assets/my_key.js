// Shows which of the officer's keys is in this browser, and makes a new one.

import { propose, stored, supported } from "./officer_key.js";
import { Refused, word } from "./service.js";

const form = document.querySelector("[data-make]");

if (form && supported()) {
  const officerId = form.dataset.make;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = form.querySelector("[data-said]");
    try {
      await propose(officerId);
      location.reload();
    } catch (error) {
      said.textContent = word("failed") + (error instanceof Refused ? ` ${error.code}` : "");
    }
  });
  // Not before it is heeded: else the browser would send it as it stands.
  form.hidden = false;
  const kept = await stored(officerId);
  for (const row of document.querySelectorAll("[data-key]")) {
    if (row.dataset.key === kept?.keyId) row.querySelector("[data-here]").textContent = word("here");
  }
}
