/* The button on the organisation's own site, and the panel that it opens: the phone number, and a
   frame from our origin with chat and all other ways. One script and nothing else: no style sheet,
   font, picture or request of its own, so that the strictest policy of the host's page lets it work.
   The server calls this function with what the organisation configured. */
(function (config) {
  "use strict";
  const script = document.currentScript;
  const home = new URL(script.src).origin;
  if (location.origin !== home && !config.origins.includes(location.origin)) {
    console.warn(`Onecase: ${location.origin} may not show the widget of ${home}. An administrator adds it on the page Organisation.`);
    return;
  }
  if (window.OnecaseWidget) return; // the tag stands here twice
  window.OnecaseWidget = true;

  const said = script.dataset;
  const language = (said.lang || document.documentElement.lang).slice(0, 2).toLowerCase();
  const spoken = language in config.words ? language : config.first;
  const words = config.words[spoken];

  function address() {
    const to = new URL("/widget/", home);
    to.searchParams.set("lang", spoken);
    for (const name of ["topic", "about"]) if (said[name]) to.searchParams.set(name, said[name]);
    return to;
  }

  // ---------- What is remembered while one goes from page to page of this site
  const KEY = "onecase-widget";
  function memory(value) {
    try {
      if (value === undefined) return JSON.parse(sessionStorage.getItem(KEY)) || {};
      sessionStorage.setItem(KEY, JSON.stringify({ ...memory(), ...value }));
    } catch { /* kept by no browser that forbids it */ }
    return {};
  }

  // ---------- Elements, without markup that a policy could refuse
  const SVG = "http://www.w3.org/2000/svg";
  function make(name, attributes, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }
  function icon(path) {
    const picture = document.createElementNS(SVG, "svg");
    const line = document.createElementNS(SVG, "path");
    picture.setAttribute("viewBox", "0 0 24 24");
    picture.setAttribute("aria-hidden", "true");
    line.setAttribute("d", path);
    picture.append(line);
    return picture;
  }

  const SHEET = `
    :host { all: initial; --brand: ${config.brand}; --strong: ${config.strong}; --start: auto; --end: 20px; color-scheme: light; }
    :host([data-side="left"]) { --start: 20px; --end: auto; }
    * { box-sizing: border-box; font: 500 16px/1.4 system-ui, sans-serif; }
    svg { flex: none; width: 24px; height: 24px; fill: none; stroke: currentcolor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
    button, a { color: inherit; cursor: pointer; }
    :focus-visible { outline: 3px solid #fff; outline-offset: -5px; box-shadow: 0 0 0 3px #111827; }
    .open { position: fixed; z-index: 2147483000; inset: auto var(--end) 20px var(--start); display: flex; align-items: center; gap: 10px;
      min-height: 56px; max-width: calc(100vw - 40px); padding: 8px 22px 8px 18px; border: 2px solid #fff; border-radius: 28px;
      background: var(--brand); color: #fff; font-weight: 650; box-shadow: 0 4px 18px rgb(16 24 40 / 30%); }
    .open:hover { background: var(--strong); }
    .open[data-news]::after { content: ""; position: absolute; top: -3px; right: 6px; width: 16px; height: 16px; border: 2px solid #fff;
      border-radius: 50%; background: #c81e1e; }
    .panel { position: fixed; z-index: 2147483001; inset: auto var(--end) 92px var(--start); width: 400px; height: min(660px, 100vh - 112px);
      max-width: none; max-height: none; margin: 0; padding: 0; border: 1px solid #848e9f; border-radius: 18px; overflow: hidden;
      background: #f5f6f9; color: #111827; box-shadow: 0 16px 48px rgb(16 24 40 / 35%); }
    .panel[open] { display: flex; flex-direction: column; }
    .panel::backdrop { background: none; }
    .head { display: flex; flex: none; align-items: center; gap: 8px; padding: 8px 8px 8px 18px; background: var(--brand); color: #fff; }
    .who { flex: 1; min-width: 0; }
    .name { margin: 0; overflow: hidden; font-size: 17px; font-weight: 700; text-overflow: ellipsis; white-space: nowrap; }
    .call { display: inline-flex; align-items: center; gap: 6px; min-height: 32px; color: #fff; text-decoration: underline; text-underline-offset: 3px; }
    .call svg { width: 18px; height: 18px; }
    .shut { display: grid; place-items: center; width: 48px; height: 48px; padding: 0; border: 0; border-radius: 12px; background: none; color: #fff; }
    .shut:hover { background: var(--strong); }
    iframe { flex: 1; width: 100%; border: 0; background: #f5f6f9; color-scheme: light dark; }
    .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
    @media (max-width: 519px) {
      .panel { inset: 0; width: 100%; height: 100vh; height: 100dvh; border: 0; border-radius: 0; }
    }
    @media (prefers-reduced-motion: no-preference) {
      .panel[open] { animation: come 160ms ease-out; }
      @keyframes come { from { opacity: 0; transform: translateY(12px); } }
    }
    @media print { :host { display: none; } }`;

  const PHONE = "M5 4h4l2 5-2.500 1.500a11 11 0 0 0 5 5L15 13l5 2v4a2 2 0 0 1-2 2A16 16 0 0 1 3 6a2 2 0 0 1 2-2";
  const BUBBLE = "M21 12a8 8 0 0 1-8 8H4l2-3.500A8 8 0 1 1 21 12ZM8.500 12h.01M12.500 12h.01M16.500 12h.01";
  const CROSS = "M6 6l12 12M18 6 6 18";

  const label = said.label || words.open;
  const news = make("span", { class: "unseen" });
  const voice = make("span", { class: "unseen", role: "status" });
  const button = make("button", { class: "open", type: "button", "aria-expanded": "false", "aria-controls": "panel", "aria-haspopup": "dialog" },
    icon(BUBBLE), make("span", {}, label), news);
  const shut = make("button", { class: "shut", type: "button", "aria-label": words.close }, icon(CROSS));
  const who = make("div", { class: "who" }, make("h2", { class: "name", id: "name" }, config.name));
  if (config.tel) who.append(make("a", { class: "call", href: `tel:${config.tel}` }, icon(PHONE), words.call));
  const frame = make("iframe", { title: words.title, allow: "clipboard-write", referrerpolicy: "strict-origin" });
  const panel = make("dialog", { class: "panel", id: "panel", "aria-labelledby": "name" }, make("div", { class: "head" }, who, shut), frame);
  const host = make("onecase-widget", { lang: spoken, "data-side": said.side === "left" ? "left" : "right" });

  // ---------- Open and closed
  const narrow = matchMedia("(max-width: 519px)");
  let opener = button;

  function load() {
    if (!frame.src) frame.src = address();
  }
  function show() {
    if (narrow.matches) panel.showModal(); // all of the screen: nothing behind it can be reached
    else panel.open = true; // beside the page, which goes on; no focus is moved by itself
    button.setAttribute("aria-expanded", "true");
    fresh(false);
    memory({ open: true });
    load();
    tell();
  }
  function open(from) {
    opener = from;
    if (!panel.open) show();
    frame.focus();
  }
  function closed() {
    button.setAttribute("aria-expanded", "false");
    memory({ open: false });
    tell();
    opener.focus();
  }
  function fresh(there) {
    button.toggleAttribute("data-news", there);
    news.textContent = there ? `, ${words.news}` : "";
    voice.textContent = there ? words.news : "";
  }

  // ---------- The frame: it hears whether it is seen, we hear what happens in it
  let loaded = false; // until then an empty document of this page's own stands in it
  function tell() {
    if (loaded) frame.contentWindow.postMessage({ onecase: "shown", shown: panel.open, seen: memory().seen }, home);
  }
  addEventListener("message", ({ origin, source, data }) => {
    if (origin !== home || source !== frame.contentWindow || !data) return;
    if (data.onecase === "close" && panel.open) panel.close();
    if (data.onecase === "news" && !panel.open) fresh(true);
    if (data.onecase === "seen") memory({ seen: String(data.seen) });
    if (data.onecase === "running") memory({ running: data.running === true });
  });

  function start() {
    const root = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(SHEET);
    root.adoptedStyleSheets = [sheet];
    root.append(button, voice, panel);
    document.body.append(host);
    button.addEventListener("click", () => (panel.open ? panel.close() : open(button)));
    shut.addEventListener("click", () => panel.close());
    panel.addEventListener("close", closed);
    panel.addEventListener("keydown", (event) => { if (event.key === "Escape") panel.close(); });
    frame.addEventListener("load", () => {
      loaded = Boolean(frame.src);
      tell();
    });
    // From beside the page to all of the screen, and back.
    narrow.addEventListener("change", () => {
      if (!panel.open) return;
      panel.removeEventListener("close", closed);
      panel.close();
      show();
      panel.addEventListener("close", closed);
    });
    // A link of the page's own opens the panel; without this script it leads to our site.
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.("[data-onecase]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      open(link);
    });
    // What was open stands open; an answer to what runs is told by the dot. The page comes first.
    const { running, open: was } = memory();
    const goOn = was && !narrow.matches ? show : running && load;
    if (goOn && document.readyState === "complete") goOn();
    else if (goOn) addEventListener("load", () => { if (!panel.open) goOn(); });
  }
  if (document.body) start();
  else addEventListener("DOMContentLoaded", start);
})
