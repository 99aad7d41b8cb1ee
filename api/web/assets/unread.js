// A part of a page that cannot be read anew stays as it is, and the page says so: an error has no
// such part in it, and would leave nothing. What is asked for again and again is asked for less
// often then, until it answers. Elsewhere the refusal's own page says what was wrong.

const AGAIN_MS_MAX = 30000;
const note = document.querySelector("[data-unread]");
const asksAgain = (source) => source.getAttribute("hx-trigger")?.startsWith("every");
let failed = 0;
let notBefore = 0;

function unread(ctx) {
  const source = ctx.sourceElement;
  if (!asksAgain(source) && ctx.response) {
    if (source.hasAttribute("hx-push-url")) location.assign(ctx.request.action);
    return;
  }
  failed += 1;
  notBefore = Date.now() + Math.min(1000 * 2 ** failed, AGAIN_MS_MAX);
  note.hidden = false;
}

const of = (event) => event.detail.ctx;

document.addEventListener("htmx:before:request", (event) => {
  if (asksAgain(of(event).sourceElement) && Date.now() < notBefore) event.preventDefault();
});
document.addEventListener("htmx:error", (event) => {
  if (of(event)?.sourceElement) unread(of(event));
});
document.addEventListener("htmx:before:swap", (event) => {
  const { response, select, text } = of(event);
  // Without an error, something between us and the service may have answered in its place.
  if (response.status < 400 && (!select?.startsWith("#") || text.includes(`id="${select.slice(1)}"`))) return;
  event.preventDefault();
  unread(of(event));
});
document.addEventListener("htmx:after:swap", () => {
  failed = notBefore = 0;
  note.hidden = true;
});
