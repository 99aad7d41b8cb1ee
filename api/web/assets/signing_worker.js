// Answers for the signing page while the service does not: with the page as it was kept, which names
// nobody, and with what it loads. Whatever the service says itself goes before that.

const SHELL = "nuanzhang-signing";
const PATIENCE_MS = 8000;
const late = () => new Promise((_, reject) => setTimeout(() => reject(new Error("late")), PATIENCE_MS));
const kept = (request) => caches.match(request.url, { cacheName: SHELL, ignoreVary: true });

async function asset(request) {
  return (await kept(request)) ?? fetch(request);
}

async function page(request) {
  const shell = await kept(request);
  if (!shell) return fetch(request);
  return Promise.race([fetch(request), late()]).catch(() => shell);
}

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (new URL(request.url).pathname.startsWith("/assets/")) event.respondWith(asset(request));
});
