// Asks the service's own interface, with the officer's session; a refusal is thrown with its code.
// What came from something between (a gateway, a page to sign in at) is no answer of the service's.

export class Refused extends Error {
  // `at`: the moment of the answer by the service's clock, in milliseconds; NaN where it did not say.
  constructor(status, problem, at) {
    super(problem.detail ?? String(status));
    this.status = status;
    this.code = problem.code ?? "server.failed";
    this.position = problem.position ?? null;
    this.at = at;
  }
}

export async function ask(method, path, body, headers = {}) {
  const answer = await fetch(path, {
    method,
    credentials: "same-origin",
    headers: { accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (answer.status === 204) return null;
  const said = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(answer.status, said ?? {}, Date.parse(answer.headers.get("date")));
  if (said === null) throw new Error(`no answer of the service's at ${path}`);
  return said;
}

export const get = (path) => ask("GET", path);
export const post = (path, body, headers) => ask("POST", path, body ?? {}, headers);

export const bytesOf = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
export const base64Of = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));

// Words stand in the page, in its language: <template data-word="name">…</template>.
export function word(name) {
  return document.querySelector(`template[data-word="${name}"]`)?.content.textContent.trim() ?? name;
}
