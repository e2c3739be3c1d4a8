/* The customer's pages with JavaScript: every one of them works without. */
"use strict";

document.documentElement.classList.add("js");

/* ---------- Drafts: what was typed stays in this tab until it was really sent. */
function drafts() {
  const store = window.sessionStorage;
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
    field.form.addEventListener("submit", () => store.setItem("sending:" + field.dataset.draft, "1"));
    field.form.addEventListener("live:sent", () => {
      store.removeItem("sending:" + field.dataset.draft);
      store.removeItem(key);
    });
  }
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
    item.append(name, remove);
    return item;
  };
  input.addEventListener("change", () => {
    kept = kept.concat([...input.files]);
    show();
  });
  input.form.addEventListener("reset", () => {
    kept = [];
    list.replaceChildren();
  });
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

/* ---------- What is new comes in by itself: live.js */
function startLow() {
  const composer = document.getElementById("newest");
  const told = document.querySelector("main > .strip, #errors, #waiting > *");
  if (composer && !window.location.hash && !told) composer.scrollIntoView({ block: "end" });
}

document.addEventListener("DOMContentLoaded", () => {
  drafts();
  document.querySelectorAll("[data-files]").forEach(files);
  const errors = document.getElementById("errors");
  if (errors) errors.focus();
  startLow();
  setInterval(overdue, 5000);
  document.body.addEventListener("htmx:afterSwap", openSheet);
});
document.addEventListener("submit", sendOnce);
document.addEventListener("click", optional);
document.addEventListener("click", press);
document.addEventListener("keydown", escape);
window.addEventListener("pageshow", sendAgain);
document.addEventListener("live:sent", sendAgain);
