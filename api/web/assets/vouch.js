// Forms by which an administrator answers for another officer: signed here, then sent as any form.
// What cannot be signed is sent unsigned: the service refuses it, and says why.

import { sign, supported } from "./officer_key.js";
import { ask } from "./service.js";

const SIGNED = ["payload", "key_id", "signature"];

for (const form of document.querySelectorAll("form[data-vouch]")) {
  if (!supported()) continue;
  let underWay = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (underWay) return;
    underWay = true;
    try {
      const { key, ...asked } = Object.fromEntries(new FormData(form));
      const prepared = await ask("POST", form.dataset.vouch, asked);
      const signed = await sign(form.dataset.officer, prepared);
      for (const name of SIGNED) form.elements[name].value = signed[name];
    } catch {
      // Unsigned, it is refused with the reason.
    }
    form.submit();
  });
  addEventListener("pageshow", () => (underWay = false));
}
