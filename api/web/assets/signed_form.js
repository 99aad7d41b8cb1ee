// A form whose act commits an organisation: prepared by the service, signed here, committed.

import { NoKeyHere, sign } from "./officer_key.js";
import { post, Refused, word } from "./service.js";

// `path` is the act's; `asked` says what it is asked for (and throws Missing with the name of a word
// of the page), `committed` what is sent with the signature.
export function signedOnSubmit(form, path, { asked = () => ({}), committed = (_, signed) => ({ signed }) } = {}) {
  const said = form.querySelector("[data-said]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.submitter ?? form.querySelector("button");
    button.setAttribute("aria-busy", "true");
    said.textContent = "";
    try {
      const body = asked();
      const prepared = await post(`${path}/preparation`, body);
      const signed = await sign(form.dataset.officer, prepared);
      await post(path, committed(body, signed), { "Idempotency-Key": crypto.randomUUID() });
      location.reload();
    } catch (error) {
      said.textContent = error instanceof NoKeyHere ? word("no-key") : error instanceof Missing ? word(error.message) : word("failed");
      if (error instanceof Refused) said.textContent += ` ${error.code}`;
      button.removeAttribute("aria-busy");
    }
  });
}

export class Missing extends Error {}
