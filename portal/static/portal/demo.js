// The demo page (body.stage) and the customer's pocket (body.pocket). Without it the pages still
// work; with it the panes are tabs, and what was really sent comes in by itself.
(() => {
  "use strict";
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const EVERY = 1000; // milliseconds
  document.documentElement.classList.add("js");
  document.documentElement.classList.toggle("framed", parent !== window);

  function showCount(response, header, marks) {
    const number = response.headers.get(header);
    if (number === null) return;
    for (const mark of all(marks)) {
      mark.textContent = number;
      mark.hidden = number === "0";
    }
  }

  // Asks every second while the tab is visible; an answer of 204 says that nothing is new.
  function watch(place, taken) {
    let busy = false;
    async function ask() {
      if (busy || document.hidden || !innerWidth) return; // a folded frame looks at nothing
      busy = true;
      try {
        const url = new URL(place.dataset.url, location.href);
        url.searchParams.set("version", place.dataset.version);
        const response = await fetch(url, { credentials: "same-origin" });
        if (response.ok) {
          showCount(response, "X-Unread", "[data-unread]");
          showCount(response, "X-Rang", "[data-rang]");
        }
        if (response.status === 200) {
          place.dataset.version = response.headers.get("X-Version");
          taken(await response.text());
        }
      } catch {
        // The server is away for a moment: ask again.
      }
      busy = false;
    }
    setInterval(ask, EVERY);
    document.addEventListener("visibilitychange", ask);
  }

  // ---------- The demo page
  function stage() {
    const panes = one(".panes");
    const frame = (name) => one(`[data-pane="${name}"] iframe`);
    const wanted = {}; // where a frame goes once somebody sits in front of it

    function select(name, focus) {
      for (const tab of all("[data-tab]")) {
        const on = tab.dataset.tab === name;
        tab.setAttribute("aria-selected", String(on));
        tab.tabIndex = on ? 0 : -1;
        if (on && focus) tab.focus();
      }
      for (const pane of all("[data-pane]")) pane.classList.toggle("pane--on", pane.dataset.pane === name);
    }

    function show(name, href, focus) {
      const chosen = frame(name);
      if (chosen && focus) {
        const there = () => chosen.contentDocument?.querySelector(focus)?.focus();
        chosen.addEventListener("load", there, { once: true });
      }
      if (chosen && href) chosen.src = href;
      if (!chosen) wanted[name] = href;
      select(name);
      if (panes.classList.contains("panes--one")) enlarge(name, true);
      const pane = one(`[data-pane="${name}"]`);
      pane.classList.remove("pane--shown");
      requestAnimationFrame(() => pane.classList.add("pane--shown"));
    }

    function enlarge(name, on) {
      panes.classList.toggle("panes--one", on);
      for (const pane of all("[data-pane]")) pane.classList.toggle("pane--big", on && pane.dataset.pane === name);
      for (const button of all("[data-enlarge]")) {
        button.setAttribute("aria-pressed", String(on && button.dataset.enlarge === name));
      }
    }

    select("customer");
    for (const tab of all("[data-tab]")) {
      tab.addEventListener("click", () => select(tab.dataset.tab));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const names = all("[data-tab]").map((item) => item.dataset.tab);
        select(names.at((names.indexOf(tab.dataset.tab) + step) % names.length), true);
      });
    }

    document.addEventListener("click", (event) => {
      const go = event.target.closest("[data-go]");
      const big = event.target.closest("[data-enlarge]");
      if (go) {
        event.preventDefault();
        show(go.dataset.go, go.getAttribute("href"), go.dataset.focus);
      } else if (big) {
        enlarge(big.dataset.enlarge, big.getAttribute("aria-pressed") !== "true");
      }
      for (const open of all("details.key[open]")) if (!open.contains(event.target)) open.open = false;
    });

    // A role is changed without losing what stands in the other frames.
    document.addEventListener("submit", async (event) => {
      const form = event.target;
      const name = form.dataset.be;
      if (!name) return;
      event.preventDefault();
      const response = await fetch(form.action, { method: "POST", body: new FormData(form) });
      if (!response.ok) return location.reload();
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      for (const old of all("[data-roles]")) {
        old.replaceWith(one(`[data-roles="${old.dataset.roles}"]`, page));
      }
      const fresh = one(`[data-pane="${name}"] iframe`, page);
      if (!frame(name)) {
        one(`[data-pane="${name}"] .pane__empty`).replaceWith(document.adoptNode(fresh));
        follow(name);
      }
      show(name, wanted[name] ?? fresh.getAttribute("src"));
      delete wanted[name];
    });

    const where = one("[data-where]");
    function follow(name) {
      const chosen = frame(name);
      if (!chosen) return;
      chosen.addEventListener("load", () => {
        if (name === "customer") takeMessengers(chosen.contentDocument);
        try {
          const { pathname: path, search } = chosen.contentWindow.location;
          one(`[data-out="${name}"]`).href = path;
          sessionStorage.setItem(`onecase-${name}`, path + search);
          if (name === "customer") where.textContent = location.host + path;
        } catch {
          // Another site: nothing to show.
        }
      });
    }
    // A link of a messenger opens the telephone, as it would on the customer's own; so does its QR.
    const MESSENGERS = 'a[href^="https://wa.me/"], a[href^="https://t.me/"], a[href^="sms:"]';
    const opened = (link) => `${scan.dataset.scanner}?link=${encodeURIComponent(link)}`;

    function takeMessengers(page) {
      page?.addEventListener("click", (event) => {
        const link = event.target.closest?.(MESSENGERS);
        if (!link) return;
        event.preventDefault();
        show("pocket", opened(link.href));
      }, true);
    }

    const scan = one("[data-scanner]");
    const shown = () => frame("customer")?.contentDocument?.querySelector(MESSENGERS)?.href;
    function scanned() {
      const link = shown();
      show("pocket", link ? opened(link) : scan.dataset.nothing);
    }
    scan.addEventListener("click", scanned);
    setInterval(() => { scan.hidden = !shown(); }, EVERY);

    for (const name of ["customer", "desk", "pocket"]) {
      follow(name);
      // A page that is loaded anew, in another language say, goes on where each frame was.
      const last = sessionStorage.getItem(`onecase-${name}`);
      if (last && frame(name)) frame(name).src = last;
    }

    const tour = one("[data-tour]");
    watch(tour, (html) => { tour.innerHTML = html; });

    // The pocket opens a link of a mail in the customer's browser.
    addEventListener("message", (event) => {
      if (event.origin !== location.origin) return;
      if (event.data?.scan) scanned();
      if (typeof event.data?.open !== "string") return;
      const url = new URL(event.data.open, location.href);
      if (url.origin === location.origin) show("customer", url.pathname + url.search + url.hash);
    });
  }

  // ---------- The pocket
  function pocket() {
    const site = document.body.dataset.public;

    function open(href) {
      const path = href.startsWith(`${site}/`) ? href.slice(site.length) : null;
      const url = new URL(path ?? href, location.href);
      if (url.origin !== location.origin) {
        if (url.protocol === "https:" || url.protocol === "http:") window.open(url, "_blank", "noopener");
      } else if (parent !== window) {
        parent.postMessage({ open: url.href }, location.origin);
      } else {
        window.open(url, "_blank");
      }
    }

    function takeLinks(root) {
      root.addEventListener("click", (event) => {
        const link = event.target.closest?.("a[href]");
        if (!link) return;
        event.preventDefault();
        open(link.href);
      });
    }

    const mail = one("[data-mail]");
    function settle() {
      const page = mail.contentDocument;
      if (!page?.body) return;
      takeLinks(page);
      mail.style.height = `${Math.ceil(page.documentElement.scrollHeight) + 2}px`;
    }
    if (mail) {
      mail.addEventListener("load", settle);
      if (mail.contentDocument?.readyState === "complete") settle();
    }
    for (const text of all("[data-links]")) takeLinks(text);

    document.addEventListener("click", (event) => {
      if (!event.target.closest("[data-scan]") || parent === window) return;
      event.preventDefault();
      parent.postMessage({ scan: true }, location.origin);
    });
    for (const field of all("[data-enter]")) {
      field.setSelectionRange(field.value.length, field.value.length);
      field.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        field.form.requestSubmit();
      });
    }

    const banner = one("[data-banner]");
    if (banner) {
      let hides;
      watch(banner, (html) => {
        const before = one("[data-key]", banner)?.dataset.key;
        banner.innerHTML = html;
        const card = one("[data-key]", banner);
        if (!card || card.dataset.key === before) return;
        clearTimeout(hides);
        hides = setTimeout(() => { banner.innerHTML = ""; }, 8000);
      });
    }

    for (const field of all("[data-auto]")) field.addEventListener("change", () => field.form.submit());
    for (const input of all(".pick input")) {
      input.addEventListener("change", () => {
        const names = [...input.files].map((file) => file.name).join(", ");
        const place = one("[data-picked]", input.form) ?? one("span", input.parentElement);
        if (names) place.textContent = names;
      });
    }

    const list = one("[data-list]");
    if (!list) return;
    const talks = "talk" in list.dataset;
    const down = () => { list.scrollTop = list.scrollHeight; };
    if (talks) {
      down();
      list.addEventListener("load", down, true); // pictures come later
    }
    watch(list, (html) => {
      const known = new Set(all("[data-key]", list).map((item) => item.dataset.key));
      list.innerHTML = html;
      for (const item of all("[data-key]", list)) {
        if (!known.has(item.dataset.key)) item.classList.add("just-in");
      }
      if (talks) down();
    });
  }

  if (document.body.classList.contains("stage")) stage();
  if (document.body.classList.contains("pocket")) pocket();
})();
