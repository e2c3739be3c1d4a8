/* The customer's pages with JavaScript: every one of them works without. */
"use strict";

document.documentElement.classList.add("js");

/* ---------- Drafts: what was typed stays in this tab until it was really sent. */
function drafts() {
  let store;
  try {
    store = window.sessionStorage;
  } catch {
    return; // in a frame on another site, where the browser keeps nothing
  }
  for (const key of Object.keys(store)) {
    if (key.startsWith("sending:")) {
      store.removeItem(key);
      store.removeItem("draft:" + key.slice("sending:".length));
    }
  }
  for (const field of document.querySelectorAll("textarea[data-draft]")) {
    const key = "draft:" + field.dataset.draft;
    if (!field.value && store.getItem(key)) field.value = store.getItem(key);
    field.addEventListener("input", () => store.setItem(key, field.value));
    field.form.addEventListener("submit", (event) => {
      if (!event.defaultPrevented) store.setItem("sending:" + field.dataset.draft, "1");
    });
    field.form.addEventListener("live:sent", () => {
      store.removeItem("sending:" + field.dataset.draft);
      store.removeItem(key);
    });
  }
}

/* ---------- A browser that is to forget its questions keeps no words of theirs either: no draft,
   and nothing of a chat that waits to be sent (chat-queue.js). */
function forget(event) {
  if (!event.target.matches("form[data-forgets]")) return;
  try {
    for (const key of Object.keys(window.sessionStorage)) {
      if (key.startsWith("draft:")) window.sessionStorage.removeItem(key);
    }
    window.indexedDB.deleteDatabase("onecase");
  } catch { /* this browser keeps nothing */ }
}

/* ---------- A second click does not send twice; the server refuses it as well. */
function sendOnce(event) {
  const form = event.target;
  if (!form.matches("form[data-once]")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  for (const button of form.querySelectorAll('button[type="submit"]')) {
    button.setAttribute("aria-busy", "true");
  }
}

function sendAgain() {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  }
}

/* ---------- A small picture of a file; null where it is none. */
const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
function picture(file, size) {
  if (!PICTURES.includes(file.type) || !window.createImageBitmap) return null;
  const canvas = document.createElement("canvas");
  canvas.className = "picture";
  canvas.role = "img";
  canvas.ariaLabel = file.name;
  createImageBitmap(file).then((bitmap) => {
    const scale = Math.min(1, (size * window.devicePixelRatio) / Math.max(bitmap.width, bitmap.height));
    canvas.width = Math.max(1, bitmap.width * scale);
    canvas.height = Math.max(1, bitmap.height * scale);
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
  }, () => canvas.replaceWith(file.name)); // it says that it is a picture
  return canvas;
}

/* ---------- Files: a list with names, each of which can be taken off again. */
function files(box) {
  const input = box.querySelector('input[type="file"]');
  const list = box.querySelector(".files__list");
  let kept = [];
  const show = () => {
    const transfer = new DataTransfer();
    kept.forEach((file) => transfer.items.add(file));
    input.files = transfer.files;
    list.replaceChildren(...kept.map(pill));
  };
  const pill = (file) => {
    const item = document.createElement("span");
    const name = document.createElement("span");
    const remove = document.createElement("button");
    item.className = "pill";
    name.textContent = file.name;
    remove.type = "button";
    remove.textContent = "×";
    remove.setAttribute("aria-label", box.dataset.remove + " " + file.name);
    remove.addEventListener("click", () => {
      kept = kept.filter((other) => other !== file);
      show();
      input.focus();
    });
    const small = picture(file, 36);
    if (small) small.ariaHidden = "true";
    item.append(...[small, name, remove].filter(Boolean));
    return item;
  };
  const add = (files) => {
    kept = kept.concat([...files]);
    show();
  };
  input.addEventListener("change", () => add(input.files));
  box.addEventListener("files:add", (event) => add(event.detail));
  input.form.addEventListener("reset", () => {
    kept = [];
    list.replaceChildren();
  });
}

/* ---------- A private matter: before it is chatted about one chooses once more. */
function isPrivate() {
  const topic = document.querySelector('input[name="topic"]:checked');
  return Boolean(topic && "private" in topic.dataset && document.getElementById("way-chat")?.checked);
}
function askPrivately(event) {
  const card = document.getElementById("private");
  if (!card || event.target !== card.closest("form") || event.submitter?.name === "private" || !isPrivate()) return;
  event.preventDefault();
  event.stopPropagation();
  card.hidden = false;
  card.focus();
}
function callPrivately(event) {
  if (event.key !== "Enter" || event.target.id !== "private_phone") return;
  event.preventDefault();
  event.target.form.querySelector('button[name="private"][value="phone"]').click();
}
function noLongerPrivate() {
  const card = document.getElementById("private");
  if (card && !isPrivate()) card.hidden = true;
}

/* ---------- A radio of the optional questions can be taken back by a second click. */
function optional(event) {
  const label = event.target.closest(".refine .chips label");
  if (!label) return;
  const radio = label.querySelector("input");
  if (radio.dataset.was === "1" && event.target === radio) {
    radio.checked = false;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
  }
  for (const other of document.querySelectorAll(`input[name="${radio.name}"]`)) {
    other.dataset.was = other.checked ? "1" : "";
  }
}

/* ---------- Copy, print, menus */
async function press(event) {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    try {
      await navigator.clipboard.writeText(copy.dataset.copy);
      copy.querySelector("span").textContent = copy.dataset.copied;
    } catch {
      window.prompt("", copy.dataset.copy);
    }
  }
  if (event.target.closest("[data-print]")) window.print();
  if (event.target.matches("[data-select]")) event.target.select();
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
}

function escape(event) {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details[data-menu][open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
}

/* ---------- The switch opens as a sheet on a phone, in the page on a desktop. */
function openSheet() {
  const sheet = document.querySelector("#switch-panel dialog");
  if (!sheet || sheet.open) return;
  if (window.matchMedia("(max-width: 719px)").matches) sheet.showModal();
  else sheet.show();
  sheet.querySelector("[id=sheet-title]").focus();
  sheet.addEventListener("close", () => {
    sheet.remove();
    document.querySelector("[data-opens-sheet]").focus();
  });
  sheet.addEventListener("click", (event) => {
    if (event.target === sheet) sheet.close();
  });
}

/* ---------- A code to write with ends while one looks at it: then a new one is offered. */
function overdue() {
  const card = document.querySelector("#waiting [data-until]");
  if (!card || Date.parse(card.dataset.until) > Date.now()) return;
  card.querySelector(".waiting__live").hidden = true;
  card.querySelector(".waiting__over").hidden = false;
}

/* ---------- The door of a video call opens on a page that stays open */
async function doors() {
  for (const door of document.querySelectorAll("[data-opens]")) {
    if (document.hidden || Date.parse(door.dataset.opens) > Date.now()) continue;
    const answer = await fetch(location.href).catch(() => null);
    const fresh = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
    const there = fresh && fresh.getElementById(door.id);
    if (there) door.replaceWith(there);
  }
}

/* ---------- What is new comes in by itself: live.js */
// "From now on by SMS", with Undo, is over once the line below it says another way.
function outdated() {
  const words = (line) => line.textContent.replace(/\s+/g, " ");
  const line = document.getElementById("answerline"), said = line && words(line);
  document.addEventListener("live:after", (event) => {
    if (event.detail.old !== line || words(line) === said) return;
    document.querySelector("main > .strip form[action$='/switch/undo/']")?.closest(".strip").remove();
  });
}
function startLow() {
  const composer = document.getElementById("newest");
  const told = document.querySelector("main > .strip, #errors, #waiting > *");
  if (composer && !window.location.hash && !told) composer.scrollIntoView({ block: "end" });
}

// Up to which number of the question this page showed it, and whether anybody could see it.
function tellSeen() {
  const history = document.querySelector("#history[data-live]");
  const shown = history && Number.parseInt(history.dataset.have, 10);
  if (shown) window.OnecaseLive?.seen?.(history.dataset.live, shown, document.hidden ? "delivered" : "read");
}

// Times are read by the own clock: who lives by another one than the portal's is shown theirs.
function ownClock() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const form = document.querySelector("form[data-zone]");
  if (!zone || !form || form.dataset.zone === zone) return;
  const goal = new URL(window.location.href);
  goal.searchParams.set("zone", zone);
  window.location.replace(goal);
}

document.addEventListener("DOMContentLoaded", () => {
  ownClock();
  drafts();
  document.querySelectorAll("[data-files]").forEach(files);
  (document.querySelector("#private:not([hidden])") ?? document.getElementById("errors"))?.focus();
  startLow();
  outdated();
  tellSeen();
  document.addEventListener("live:after", (event) => { if (event.detail.old.id === "history") tellSeen(); });
  document.addEventListener("visibilitychange", tellSeen);
  setInterval(overdue, 5000);
  setInterval(doors, 5000);
  document.body.addEventListener("htmx:afterSwap", openSheet);
});
document.addEventListener("submit", askPrivately, true);
document.addEventListener("submit", sendOnce);
document.addEventListener("submit", forget);
document.addEventListener("change", noLongerPrivate);
document.addEventListener("keydown", callPrivately);
document.addEventListener("click", optional);
document.addEventListener("click", press);
document.addEventListener("keydown", escape);
window.addEventListener("pageshow", sendAgain);
document.addEventListener("live:sent", sendAgain);

/* ---------- Without a connection: a page of ours says so. In a frame of another site: nothing. */
window.addEventListener("load", () => {
  if (window === window.top) navigator.serviceWorker?.register("/service-worker.js").catch(() => {});
});
