// A form whose act commits an organisation: prepared by the service, signed here, committed.

import { NoKeyHere, sign } from "./officer_key.js";
import { post, Refused, word } from "./service.js";

// `path` is the act's; `asked` says what it is asked for (and throws Missing with the name of a word
// of the page), `committed` what is sent with the signature, `preparation` where it is prepared, and
// `done` what comes after, given the answer.
export function signedOnSubmit(form, path, { asked = () => ({}), committed = (_, signed) => ({ signed }), preparation = `${path}/preparation`, done = () => location.reload() } = {}) {
  const said = form.querySelector("[data-said]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.submitter ?? form.querySelector("button");
    button.setAttribute("aria-busy", "true");
    said.textContent = "";
    try {
      const body = asked();
      const prepared = await post(preparation, body);
      const signed = await sign(form.dataset.officer, prepared);
      done(await post(path, committed(body, signed), { "Idempotency-Key": crypto.randomUUID() }));
    } catch (error) {
      said.textContent = error instanceof NoKeyHere ? word("no-key") : error instanceof Missing ? word(error.message) : word("failed");
      if (error instanceof Refused) said.textContent = refusal(error) ?? `${said.textContent} ${error.code}`;
      button.removeAttribute("aria-busy");
    }
  });
}

// Return what a refusal means, where the page has words for it: <template data-refusal="code">…</template>.
// Those of the service itself are English.
function refusal(error) {
  const english = document.documentElement.lang === "en" ? error.message : undefined;
  return document.querySelector(`template[data-refusal="${error.code}"]`)?.content.textContent.trim() ?? english;
}

export class Missing extends Error {}
