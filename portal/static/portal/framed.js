/* A customer's page in the frame of the widget: what its host may know, and which links leave it. */
"use strict";
(() => {
  const root = document.documentElement;
  const INSIDE = "/widget/";
  const AWAY = /^\/widget\/(questions|sign-in|preferences)\//; // with the session of the site itself

  // Behind a closed panel nobody looks at this page, whatever the browser says of its tab; but what
  // comes is to be heard of there.
  const history = () => document.querySelector("#history[data-live]");
  const isTabHidden = Object.getOwnPropertyDescriptor(Document.prototype, "hidden").get;
  let isShown = window.parent === window;
  Object.defineProperty(document, "hidden", { get: () => !isShown || isTabHidden.call(document) });
  Object.defineProperty(document, "visibilityState", { get: () => (document.hidden ? "hidden" : "visible") });
  history()?.setAttribute("data-live-hidden", "");

  // ---------- The page around: which one it is says the browser, whether it may our own list
  const hosts = [...root.dataset.hosts.split(" "), location.origin];
  let host = "";
  function say(word, more) {
    if (host) window.parent.postMessage({ onecase: word, ...more }, host);
  }
  window.addEventListener("message", ({ origin, source, data }) => {
    if (source !== window.parent || !hosts.includes(origin) || data?.onecase !== "shown") return;
    host = origin;
    isShown = data.shown === true;
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    if (root.dataset.running) say("running", { running: root.dataset.running === "yes" });
    compare(data.seen);
  });

  // Escape closes the panel, unless it closes something in the page first.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    if (!document.querySelector("dialog[open], details[data-menu][open]")) say("close");
  }, true);

  // ---------- The dot: a newer message than the last that was shown. The host keeps which one that
  // was, as a browser may keep nothing for a frame. Where it knows none of this case, as it closed
  // before this page had wholly come, newer than what the page began with.
  const newest = () => `${history().dataset.live} ${[...history().querySelectorAll("[id^=m]")].at(-1)?.id}`;
  let seen = history() ? newest() : "";
  function compare(before = seen) {
    if (!history()) return;
    const now = newest();
    if (isShown) say("seen", { seen: (seen = now) });
    else if (now !== (before.split(" ")[0] === history().dataset.live ? before : seen)) say("news");
  }
  document.addEventListener("live:after", ({ detail }) => { if (detail.old === history()) compare(); });

  // ---------- Links that lead out of here get a window of their own
  const keepsCookies = () => document.cookie.includes("onecase_widget_csrf=");
  const outside = (link) => `${link.origin}/${link.pathname.slice(INSIDE.length)}${link.search}`;
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || !link.protocol.startsWith("http")) return;
    const isOurs = link.origin === location.origin && link.pathname.startsWith(INSIDE);
    // A browser that keeps nothing for a frame can ask nothing there: on the site itself it can.
    if (isOurs && (AWAY.test(link.pathname) || !keepsCookies())) link.href = outside(link);
    else if (isOurs) return;
    link.target = "_blank";
    link.rel = "noopener";
  }, true);
})();
