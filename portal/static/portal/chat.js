/* The question page as a chat: what is sent stands there at once, whoever is there is seen, files
   come by drag, paste and camera. Needs live.js and chat-queue.js; without scripts it is a form. */
"use strict";
(() => {
  const form = document.querySelector("form[data-chat]");
  const history = document.getElementById("history");
  const place = document.getElementById("unsent");
  const words = form.dataset;
  const key = history.dataset.live;
  const GROUP = 5 * 60 * 1000; // so long do messages of one person share a head
  const TYPES = 6000; // a sign of typing lasts so long
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  function make(name, className, text = "") {
    const element = document.createElement(name);
    if (className) element.className = className;
    element.textContent = text;
    return element;
  }

  // A page over plain http, but for localhost, has no crypto.randomUUID.
  function newKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    return [...bytes].map((byte, at) => ([4, 6, 8, 10].includes(at) ? "-" : "") + byte.toString(16).padStart(2, "0")).join("");
  }

  // ---------- What is on its way
  const unsent = new Unsent(words.chat);
  const sender = new Sender(unsent, post, changed);
  const tabs = "BroadcastChannel" in window ? new BroadcastChannel("onecase-unsent") : null;
  const shown = new Map(); // key -> its line
  let kept = []; // what waits, as the browser keeps it
  const storing = new Set(); // keys of what is being kept
  let last = 0; // when the newest of them was sent
  let gone = []; // the server has it, and the history does not show it yet
  let isAway = !navigator.onLine;

  // What is being put into the browser's keeping stands there meanwhile.
  async function reload() {
    const found = await unsent.all();
    kept = [...found, ...kept.filter((item) => storing.has(item.key) && !found.some((other) => other.key === item.key))];
  }
  async function read() {
    await reload();
    for (const item of kept.filter((found) => isThere(found.key))) await unsent.remove(item.key);
    draw();
  }
  const isThere = (found) => Boolean(one(`[data-key="${found}"]`, history));

  function draw() {
    gone = gone.filter((item) => !isThere(item.key));
    const items = [...gone, ...kept.filter((item) => !isThere(item.key) && !gone.some((sent) => sent.key === item.key))];
    const lines = items.map(line);
    for (const [id, { element }] of shown) if (!items.some((item) => item.key === id)) { element.remove(); shown.delete(id); }
    lines.forEach((element, at) => { if (place.children[at] !== element) place.insertBefore(element, place.children[at] ?? null); });
    place.hidden = !items.length;
    groups();
  }

  function line(item) {
    let found = shown.get(item.key);
    if (!found) {
      found = { element: make("li", "msg msg--in msg--waits"), state: make("p", "msg__state"), progress: make("progress", "msg__progress") };
      const body = make("div", "msg__body");
      if (item.text) body.append(make("div", "msg__text", item.text));
      if (item.files.length) body.append(fileList(item.files));
      found.progress.hidden = true;
      found.element.dataset.of = words.you;
      found.element.dataset.at = item.at;
      found.element.append(make("span", "visually-hidden", words.you), body, found.progress, found.state);
      shown.set(item.key, found);
    }
    const state = item.wrong ? "wrong" : gone.includes(item) ? "arrived" : isAway ? "waits" : "sending";
    if (found.is !== state) say(found, item, state);
    return found.element;
  }

  function say(found, item, state) {
    found.is = state;
    found.element.classList.toggle("msg--wrong", state === "wrong");
    found.state.classList.toggle("msg__state--bad", state === "wrong");
    if (state !== "sending") found.progress.hidden = true;
    found.state.textContent = item.wrong ?? words[state];
    if (state !== "wrong") return;
    const doing = make("span", "msg__do");
    doing.append(...[["again", again], ["edit", edit], ["remove", remove]].map(([name, act]) => {
      const button = make("button", "button--plain", words[name]);
      button.type = "button";
      button.addEventListener("click", () => act(item));
      return button;
    }));
    found.state.append(doing);
  }

  function fileList(files) {
    const list = make("ul", "msg__files");
    for (const file of files) {
      const row = make("li");
      row.append(window.picture(file, 176) ?? make("span", "", file.name));
      list.append(row);
    }
    return list;
  }

  const without = (item) => { kept = kept.filter((other) => other.key !== item.key); };
  async function again(item) {
    const fresh = { ...item };
    delete fresh.wrong;
    kept = kept.map((other) => (other.key === item.key ? fresh : other));
    draw();
    await unsent.put(fresh);
    sender.wake();
  }
  async function remove(item) {
    without(item);
    draw();
    form.elements.text.focus();
    await unsent.remove(item.key);
    tell();
  }
  async function edit(item) {
    const field = form.elements.text;
    field.value = [item.text, field.value].filter(Boolean).join("\n");
    add(item.files);
    await remove(item);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  }
  const tell = () => tabs?.postMessage(words.chat);

  // ---------- Sending
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const field = form.elements.text;
    const item = { key: newKey(), of: words.chat, text: field.value.trim(), files: [...form.elements.files.files], at: (last = Math.max(Date.now(), last + 1)) };
    if (!item.text && !item.files.length) { field.focus(); return; }
    form.reset();
    field.value = "";
    form.dispatchEvent(new CustomEvent("live:sent", { bubbles: true })); // it is safe: no draft any more
    grow();
    kept.push(item);
    draw();
    toEnd();
    keep(item);
  });

  // What is too large is not kept beyond this page.
  async function keep(item) {
    const wrong = tooMuch(item.files);
    if (wrong) {
      item.wrong = wrong;
      unsent.only.set(item.key, item);
      draw();
      return;
    }
    storing.add(item.key);
    await unsent.put(item);
    storing.delete(item.key);
    tell();
    sender.go();
  }

  function tooMuch(files) {
    if (files.length > Number(words.mostFiles)) return words.tooMany;
    const large = files.find((file) => file.size > Number(words.mostBytes));
    return large ? words.tooLarge.replace("{name}", large.name) : "";
  }

  function post(item) {
    const to = new URL(form.action);
    to.searchParams.set("have", history.dataset.have);
    const data = new FormData();
    data.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    data.set("client_key", item.key);
    data.set("text", item.text);
    for (const file of item.files) data.append("files", file, file.name);
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      request.open("POST", to);
      request.setRequestHeader("X-Requested-With", "fetch");
      request.timeout = item.files.length ? 600000 : 30000;
      if (item.files.length) request.upload.onprogress = (event) => progress(item, event);
      request.onload = async () => done(await answered(item, request));
      request.onerror = request.ontimeout = request.onabort = () => { isAway = true; done("away"); };
      request.send(data);
    });
  }

  function progress(item, event) {
    const bar = shown.get(item.key)?.progress;
    if (!bar) return;
    bar.hidden = !event.lengthComputable || event.loaded >= event.total;
    bar.max = event.total;
    bar.value = event.loaded;
    bar.ariaLabel = words.sending;
  }

  async function answered(item, request) {
    isAway = request.status >= 500;
    if (isAway) return "away";
    if (request.status === 201) { await taken(item, request.responseText); return "sent"; }
    try { return JSON.parse(request.responseText).problems.join(" "); } catch { return words.closed; }
  }

  // What is new comes with it, unless a question for news is under way: then that asks once more.
  async function taken(item, text) {
    gone.push(item);
    without(item);
    const live = window.OnecaseLive?.history();
    if (live && !live.busy) await live.take(new DOMParser().parseFromString(text, "text/html"), true);
    else live?.refresh();
    draw();
  }

  async function changed(item, how) {
    await reload();
    draw();
    if (item && how !== "away") tell();
  }

  if (tabs) tabs.onmessage = (event) => { if (event.data === words.chat) read(); };
  const back = () => { isAway = false; draw(); sender.wake(); };
  window.addEventListener("online", back);
  window.addEventListener("offline", () => { isAway = true; draw(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) sender.wake(); });
  new MutationObserver(() => { if (document.documentElement.dataset.line === "stream") sender.wake(); })
    .observe(document.documentElement, { attributeFilter: ["data-line"] });
  document.addEventListener("live:after", (event) => { if (event.detail.old === history) draw(); });

  // ---------- The end of what is said, and what stands below it, stays above the composer
  const below = () => form.previousElementSibling.getBoundingClientRect().bottom - form.getBoundingClientRect().top;
  function toEnd() {
    if (below() > 0) window.scrollBy(0, below() + 12);
  }
  let goes = false;
  document.addEventListener("live:before", () => {
    if (goes || !window.OnecaseLive.history()?.history.low) return;
    goes = true;
    requestAnimationFrame(() => { goes = false; toEnd(); });
  });

  for (const part of all("#chat, #leaving")) part.addEventListener("toggle", toEnd, true); // a field that opens

  // ---------- Messages of one person in a row have one head
  function groups() {
    let before = null;
    for (const row of [...all(".timeline > li", history), ...place.children]) {
      const is = row.classList.contains("msg") ? about(row) : null;
      const goesOn = Boolean(is && before && is.who === before.who && is.side === before.side && is.at - before.at < GROUP);
      if (is) row.classList.toggle("msg--more", goesOn);
      before?.row.classList.toggle("msg--joined", goesOn);
      before = is && { ...is, row };
    }
    before?.row.classList.remove("msg--joined");
    const mine = all(".msg--in", history);
    mine.forEach((row, at) => row.classList.toggle("msg--last", at === mine.length - 1 && place.hidden));
  }
  const about = (row) => ({
    side: row.classList.contains("msg--in"),
    who: row.dataset.of ?? one(".msg__head strong", row)?.textContent,
    at: Number(row.dataset.at) || Date.parse(one("time", row)?.dateTime),
  });

  // ---------- Writing
  const field = form.elements.text;
  const isTouch = window.matchMedia("(pointer: coarse)");
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || isTouch.matches) return;
    event.preventDefault();
    form.requestSubmit();
  });
  field.addEventListener("input", () => {
    grow();
    if (field.value.trim()) window.OnecaseLive?.typing?.(key);
  });
  function grow() {
    if (CSS.supports("field-sizing", "content")) return;
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  }

  // ---------- Who is there, and types
  const now = document.getElementById("chat-now");
  const chat = document.getElementById("chat");
  let here = "";
  let types = 0;
  function showNow() {
    const who = here || all("[data-who]", history).at(-1)?.dataset.who;
    const text = types ? words.typing : here ? words.here : who ? words.with : "";
    const line = text.replace("{who}", who);
    if (now.textContent !== line) now.textContent = line;
    now.dataset.is = types ? "typing" : here ? "here" : "";
  }
  document.addEventListener("live:here", ({ detail }) => {
    if (detail.key !== key) return;
    here = detail.here ? detail.who : "";
    showNow();
  });
  document.addEventListener("live:typing", ({ detail }) => {
    if (detail.key !== key || !detail.who) return;
    here = detail.who;
    clearTimeout(types);
    types = setTimeout(() => { types = 0; showNow(); }, TYPES);
    showNow();
  });
  document.addEventListener("live:after", (event) => {
    const arrived = event.detail.old === history && types && all(".msg--out", history).length !== answers;
    if (arrived) { clearTimeout(types); types = 0; }
    answers = all(".msg--out", history).length;
    showNow();
  });
  let answers = all(".msg--out", history).length;

  // ---------- Files: dragged over the page, pasted, taken with the camera
  const add = (files) => one("[data-files]", form).dispatchEvent(new CustomEvent("files:add", { detail: files }));
  const drop = make("div", "chat__drop", words.drop);
  drop.hidden = true;
  document.body.append(drop);
  let over = 0;
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragenter", (event) => { if (carries(event)) { over += 1; drop.hidden = false; } });
  document.addEventListener("dragleave", (event) => { if (carries(event)) { over = Math.max(0, over - 1); drop.hidden = !over; } });
  document.addEventListener("dragover", (event) => { if (carries(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    over = 0;
    drop.hidden = true;
    add(event.dataTransfer.files);
    field.focus();
  });
  document.addEventListener("paste", (event) => {
    const files = event.clipboardData?.files;
    if (!files?.length || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    add(files);
  });
  one(".files__shot", form)?.addEventListener("change", (event) => {
    add(event.target.files);
    event.target.value = "";
  });

  // ---------- The keyboard of a telephone covers what is below: the composer stands on it, and the
  // end of what is said above that
  const view = window.visualViewport;
  function stand() {
    const covered = Math.round(window.innerHeight - view.height - view.offsetTop);
    const isOpen = covered > 120 && view.scale < 1.05;
    document.documentElement.classList.toggle("keyboard", isOpen);
    document.documentElement.style.setProperty("--keyboard", `${isOpen ? covered : 0}px`);
    return isOpen;
  }
  view?.addEventListener("resize", () => {
    const isLow = below() < 160;
    if (stand() && isLow) toEnd();
  });
  view?.addEventListener("scroll", stand);

  showNow();
  grow();
  const told = one("#errors, #waiting > *");
  // Loaded anew it shows the end of what is said, not where the page was before that was said.
  if (!told) window.history.scrollRestoration = "manual";
  read().then(() => {
    if (!told) toEnd();
    sender.go();
  });
})();
