/* Tell me on this device: asks the browser only when the button is pressed. */
"use strict";
(() => {
  const card = document.querySelector("[data-device]");
  const worker = navigator.serviceWorker;
  if (!card) return;

  function show(state, focus) {
    for (const part of card.querySelectorAll("[data-state]")) part.hidden = part.dataset.state !== state;
    card.hidden = !state;
    if (focus) card.querySelector(`[data-state="${state}"] [tabindex]`)?.focus();
  }

  // On an iPhone or iPad only what was put on the home screen can be told.
  function isHomeMissing() {
    const apple = /iPad|iPhone|iPod/.test(navigator.userAgent) ||
      (navigator.userAgent.includes("Macintosh") && navigator.maxTouchPoints > 1);
    return apple && !window.matchMedia("(display-mode: standalone)").matches;
  }

  function octets(text) {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
  }

  function isOurs(subscription) {
    const key = subscription.options.applicationServerKey;
    if (!key) return false;
    const given = new Uint8Array(key), wanted = octets(card.dataset.key);
    return given.length === wanted.length && given.every((value, at) => value === wanted[at]);
  }

  async function digest(text) {
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    return [...new Uint8Array(hash)].map((value) => value.toString(16).padStart(2, "0")).join("");
  }

  // The server says whether this browser is told: it may have been taken off elsewhere.
  async function isTold() {
    const registration = await worker.getRegistration();
    const subscription = await registration?.pushManager.getSubscription();
    if (!subscription || !isOurs(subscription)) return false;
    const mine = await digest(subscription.endpoint);
    document.querySelector(`[data-digest="${mine}"] [data-this]`)?.removeAttribute("hidden");
    const answer = await fetch(`${card.dataset.tell}${mine}/`);
    return answer.ok && (await answer.json()).told;
  }

  async function look() {
    if (!worker || !window.PushManager || !window.Notification) return show(isHomeMissing() ? "home" : "");
    if (Notification.permission === "denied") return show("denied");
    show(Notification.permission === "granted" && (await isTold()) ? "told" : "ask");
  }

  async function subscribe() {
    await worker.register("/service-worker.js");
    const { pushManager } = await worker.ready;
    const before = await pushManager.getSubscription();
    if (before && isOurs(before)) return before;
    await before?.unsubscribe();  // made with another key: nothing of ours reaches it
    const key = octets(card.dataset.key);
    return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  }

  async function tell() {
    const permission = await Notification.requestPermission();
    if (permission !== "granted") return show(permission === "denied" ? "denied" : "ask", true);
    const subscription = await subscribe();
    const token = card.querySelector("[name=csrfmiddlewaretoken]").value;
    const answer = await fetch(card.dataset.tell, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify(subscription),
    });
    if (answer.ok && document.querySelector("[data-devices]")) return window.location.reload();
    show(answer.ok ? "told" : answer.status === 409 ? "many" : "failed", true);
  }

  async function press(event) {
    const button = event.currentTarget;
    button.setAttribute("aria-busy", "true");
    try {
      await tell();
    } catch {
      show("failed", true);
    }
    button.removeAttribute("aria-busy");
  }

  card.querySelectorAll("[data-device-tell]").forEach((button) => button.addEventListener("click", press));
  // Allowed or taken back in the browser's own settings, while the page is open.
  navigator.permissions?.query({ name: "notifications" })
    .then((permission) => permission.addEventListener("change", look)).catch(() => {});
  look().catch(() => show("ask"));
})();
