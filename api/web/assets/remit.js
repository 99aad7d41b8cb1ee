// Acts about other ledgers that an approver signs: sending, refusing, registering and striking off.

import { supported } from "./officer_key.js";
import { signedOnSubmit } from "./signed_form.js";

const texts = (form, ...names) => Object.fromEntries(names.map((name) => [name, form.elements[name].value.trim()]));
const toRemittance = (answer) => location.assign(`/remittances/${answer.result.remittance_id}`);

function each(selector, act) {
  for (const form of document.querySelectorAll(selector)) {
    if (!supported()) continue;
    form.hidden = false;
    act(form);
  }
}

each("[data-send]", (form) => {
  const remittance = JSON.parse(document.querySelector("template[data-order]").content.textContent);
  signedOnSubmit(form, "/v1/remittances", {
    preparation: "/v1/remittances/preparations",
    asked: () => remittance,
    committed: (_, signed) => ({ remittance, signed }),
    done: toRemittance,
  });
});

each("[data-refuse]", (form) => {
  signedOnSubmit(form, form.dataset.refuse, {
    asked: () => texts(form, "reason"),
    committed: (refusal, signed) => ({ ...refusal, signed }),
    done: toRemittance,
  });
});

each("[data-know]", (form) => {
  signedOnSubmit(form, "/v1/known-ledgers", {
    preparation: "/v1/known-ledgers/preparations",
    asked: () => texts(form, "key_id", "origin", "name", "address"),
    committed: (ledger, signed) => ({ ledger, signed }),
  });
});

each("[data-strike-off]", (form) => {
  const path = `/v1/known-ledgers/${form.dataset.strikeOff}/striking-off`;
  signedOnSubmit(form, path, {
    preparation: `${path}/preparations`,
    asked: () => texts(form, "reason"),
    committed: (asked, signed) => ({ ...asked, signed }),
  });
});
