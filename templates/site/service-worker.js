/* Beside the pages: what is shown without a connection, and that there is an answer.
   Nothing of a customer is ever kept here. */
"use strict";
const APP = {{ app|safe }};
const KEPT = "onecase-" + APP.version;
const SPOKEN = "/offline/";  // the language that pages were read in last; no page of ours
const OTHERS = /^\/(admin|demo|live|api|webhooks|static|files|offline)\//;

self.addEventListener("install", (event) => {
  event.waitUntil(keep());
  event.addRoutes?.([
    { condition: { requestMethod: "POST" }, source: "network" },
    { condition: { urlPattern: { pathname: "/live/*" } }, source: "network" },
  ]).catch(() => {});
  self.skipWaiting();
});

async function keep() {
  const cache = await caches.open(KEPT);
  await cache.addAll([...Object.values(APP.pages), ...APP.kept]);
}

self.addEventListener("activate", (event) => event.waitUntil(begin()));

async function begin() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name)));
  await self.registration.navigationPreload?.enable();
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (event.request.mode === "navigate") {
    if (!OTHERS.test(url.pathname)) event.respondWith(page(event));
  } else if (APP.kept.includes(url.pathname + url.search)) {
    event.respondWith(fromNetwork(event.request));
  }
});

/* The network first, always; a page of a customer comes from nowhere else. */
async function page(event) {
  try {
    const answer = (await event.preloadResponse) || (await fetch(event.request));
    event.waitUntil(remember(answer.headers.get("Content-Language")));
    return answer;
  } catch {
    return (await kept(APP.pages[await spoken()])) || Response.error();
  }
}

async function fromNetwork(request) {
  try {
    return await fetch(request);
  } catch {
    return (await kept(request)) || Response.error();
  }
}

async function kept(what) {
  return (await caches.open(KEPT)).match(what, { ignoreVary: true });
}

let heard = "";

async function remember(language) {
  if (!(language in APP.pages) || language === heard) return;
  heard = language;
  await (await caches.open(KEPT)).put(SPOKEN, new Response(language));
}

async function spoken() {
  const answer = await kept(SPOKEN);
  const language = answer ? await answer.text() : self.navigator.language.slice(0, 2);
  return language in APP.pages ? language : Object.keys(APP.pages)[0];
}

/* There is an answer: our push says that, and where; never what. */
self.addEventListener("push", (event) => event.waitUntil(tell(event.data?.json())));

async function tell(said) {
  if (!said?.path?.startsWith("/q/") || (await isSeen(said.path))) return;
  await self.registration.showNotification(said.title, {
    lang: said.lang,
    tag: said.tag,
    renotify: true,  // a second answer rings again, in the place of the first
    icon: APP.icon,
    data: { path: said.path },
  });
}

async function pages(path) {
  const all = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  return all.filter((page) => new URL(page.url).pathname === path);
}

async function isSeen(path) {
  return (await pages(path)).some((page) => page.visibilityState === "visible");
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data.path));
});

async function open(path) {
  const [there] = await pages(path);
  return there ? there.focus() : self.clients.openWindow(path);
}

/* The browser's push service gave it another address: ours learns it, by the old one. */
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(move(event)));

async function move({ oldSubscription, newSubscription }) {
  if (!oldSubscription) return;
  const { pushManager } = self.registration;
  const next = newSubscription || (await pushManager.subscribe(oldSubscription.options));
  const said = { ...next.toJSON(), old: oldSubscription.endpoint };
  const headers = { "Content-Type": "application/json" };
  await fetch(APP.moved, { method: "POST", headers, body: JSON.stringify(said) });
}
