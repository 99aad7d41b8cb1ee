// Signing in with a passkey, and adding one (W3C WebAuthn Level 3, as JSON).

import { post } from "./service.js";

const form = document.querySelector("[data-passkey]");

if (form && window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const failed = form.querySelector("[data-failed]");
    failed.hidden = true;
    try {
      const options = await post("/v1/session/passkey/options");
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
      const credential = await navigator.credentials.get({ publicKey });
      await post("/v1/session/passkey", { credential: credential.toJSON() });
      location.assign(form.dataset.next);
    } catch {
      failed.hidden = false;
    }
  });
}

// Showing anew that one sits there oneself.
const proving = document.querySelector("[data-prove-passkey]");

if (proving && window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  proving.hidden = false;
  proving.addEventListener("submit", async (event) => {
    event.preventDefault();
    const failed = proving.querySelector("[data-failed]");
    failed.hidden = true;
    try {
      const options = await post("/v1/session/passkey/options");
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
      const credential = await navigator.credentials.get({ publicKey });
      await post("/v1/session/presence", { credential: credential.toJSON() });
      location.assign("/my-account");
    } catch {
      failed.hidden = false;
    }
  });
}

// Adding one of one's own, under a name.
const adding = document.querySelector("[data-add-passkey]");

if (adding && window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
  adding.hidden = false;
  adding.addEventListener("submit", async (event) => {
    event.preventDefault();
    const failed = adding.querySelector("[data-failed]");
    failed.hidden = true;
    try {
      const options = await post("/v1/passkeys/options");
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
      const credential = await navigator.credentials.create({ publicKey });
      await post("/v1/passkeys", { label: adding.label.value, credential: credential.toJSON() });
      location.reload();
    } catch (refused) {
      // The page asks for it anew.
      if (refused.code === "access.presence_not_proved") return location.reload();
      failed.hidden = false;
    }
  });
}
