/* Open pages show what is new by themselves. A hint says that something is, the page fetches it with
   its own rights, and only what differs is put in: nothing typed, opened, chosen or scrolled to moves.
   A place is an element with data-live (what it is about), data-live-seq (what it shows) and
   data-live-from (where the fresh one comes from); data-live-late lets others go first (ms),
   data-live-pause is the time between two (ms), data-live-keep leaves a part alone. */
"use strict";
(() => {
  const { url, worker, line } = document.currentScript.dataset;
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  // A form that was sent brings a page with everything new: this one need not fetch it as well.
  const LEAVES = 4000;
  let leaving = 0;
  window.addEventListener("submit", (event) => { if (!event.defaultPrevented) leaving = Date.now() + LEAVES; });
  window.addEventListener("pageshow", () => { leaving = 0; });

  // ---------- Putting in what differs
  // An old child for a fresh one: that of the same id, else the next one of the same sort.
  function partner(fresh, at, old) {
    if (fresh.id) {
      const same = [...old.children].find((child) => child.id === fresh.id);
      return same && same.nodeName === fresh.nodeName ? same : null;
    }
    return at && !at.id && at.nodeName === fresh.nodeName ? at : null;
  }

  function merge(old, fresh) {
    const ids = new Set([...fresh.children].map((child) => child.id).filter(Boolean));
    let at = old.firstChild;
    for (const child of [...fresh.childNodes]) {
      const match = partner(child, at, old);
      while (match && at && at !== match && !ids.has(at.id)) at = drop(at);
      if (!match) old.insertBefore(document.importNode(child, true), at);
      else if (match === at) { at = at.nextSibling; settle(match, child); }
      else { old.insertBefore(match, at); settle(match, child); }
    }
    while (at) at = drop(at);
  }
  function drop(node) {
    const next = node.nextSibling;
    node.remove();
    return next;
  }

  const TYPED = "textarea, select, input:not([type=hidden])";
  function settle(old, fresh) {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeType !== Node.ELEMENT_NODE) { old.nodeValue = fresh.nodeValue; return; }
    if (old.matches("[data-live-keep]") || (old.matches(TYPED) && !isUntouched(old))) return;
    const keeps = kept(old);
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && !keeps.includes(name)) old.removeAttribute(name);
    }
    attributes(old, fresh, keeps);
    merge(old, fresh);
    if (old.nodeName === "SELECT") old.value = fresh.value;
  }
  const kept = (old) => (old.nodeName === "DETAILS" ? ["open"] : []);
  // A menu of one line in which nothing was chosen shows what is chosen now.
  function isUntouched(field) {
    if (field.type !== "select-one" || field === document.activeElement) return false;
    const chosen = [...field.options].findIndex((option) => option.defaultSelected);
    return field.selectedIndex === Math.max(chosen, 0);
  }
  function attributes(old, fresh, keeps = []) {
    for (const { name, value } of [...fresh.attributes]) {
      if (!keeps.includes(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
  }

  // Parts of the page by their ids. Whoever minds says so: an event that can be stopped.
  function put(part) {
    const old = part.id && document.getElementById(part.id);
    if (!old) return;
    const mind = new CustomEvent("live:before", { cancelable: true, detail: { old, fresh: part } });
    if (!document.dispatchEvent(mind)) return;
    attributes(old, part, [...kept(old), ...(part.className ? [] : ["class"])]);
    merge(old, part);
    window.htmx?.process(old);
    document.dispatchEvent(new CustomEvent("live:after", { detail: { old } }));
  }

  // Where fresh lines go on: the first of them that is there already, as it is and as it comes.
  function joint(fresh) {
    const line = one("[id^=m]", fresh);
    const old = line && document.getElementById(line.id);
    return old && document.getElementById(fresh.id)?.contains(old) ? { line, old } : null;
  }

  // An answer as a document of its own.
  const read = async (answer) => new DOMParser().parseFromString(await answer.text(), "text/html");

  // ---------- Places
  class Place {
    constructor(element) {
      this.element = element;
      this.key = element.dataset.live;
      this.seq = Number(element.dataset.liveSeq || 0);
      this.next = 0;
      this.late = Number(element.dataset.liveLate || 0);
    }

    // One question at a time; what is heard meanwhile is one more.
    async refresh() {
      this.wanted = true;
      if (this.busy) return;
      this.busy = true;
      this.next = Math.max(this.next, Date.now() + this.late);
      for (let tries = 0; this.wanted && tries < 8 && !document.hidden;) {
        await pause(Math.max(0, this.next - Date.now(), leaving - Date.now()));
        this.wanted = false;
        if (this.over) break;
        if (await this.fetch()) this.next = Date.now() + Number(this.element.dataset.livePause || 0);
        else { this.wanted = true; tries += 1; await pause(1000 * tries); }
      }
      this.busy = false;
    }

    // What it shows goes along: then only the newest lines come, where the others are as they were.
    async fetch(have = this.element.dataset.have) {
      const from = new URL(this.element.dataset.liveFrom || location.href, location.href);
      if (have) from.searchParams.set("have", have);
      try {
        const answer = await fetch(from, { headers: { "X-Requested-With": "fetch" }, redirect: "manual" });
        return answer.status === 200 ? await this.take(await read(answer)) : answer.status < 500;
      } catch {
        return false; // the server is away: again in a moment
      }
    }

    async take(page, isOwn = false) {
      const parts = this.parts(page);
      if (parts.some((part) => "tail" in part.dataset && !joint(part))) return await this.fetch("");
      if (this.history) this.history.isOwn = isOwn;
      parts.forEach(put);
      if (this.history) this.history.isOwn = false;
      return true;
    }

    // What is heard while something else brings the news waits for it.
    async while(busy, work) {
      this.busy = busy;
      await work();
      this.busy = false;
      if (this.wanted) this.refresh();
    }

    parts(page) {
      const whole = "liveWhole" in this.element.dataset;
      return whole ? [page.getElementById(this.element.id)].filter(Boolean) : [...page.body.children];
    }
  }

  // ---------- What is new in a history: said aloud, counted on a button, scrolled to
  class History {
    constructor(element) {
      this.element = element;
      this.known = this.ids();
      this.count = 0;
      this.pill = one("[data-news]");
      this.voice = one("#news");
      this.pill?.addEventListener("click", () => this.read());
      document.addEventListener("live:before", (event) => { if (event.detail.old === element) this.before(event.detail.fresh); });
      document.addEventListener("live:after", (event) => { if (event.detail.old === element) this.after(); });
      for (const place of [window, element]) place.addEventListener("scroll", () => this.scrolled(), { passive: true });
    }

    ids() { return new Set(all("[id^=m]", this.element).map((item) => item.id)); }
    typing() { return all("[data-write] textarea").some((field) => field.value.trim()); }

    // The history scrolls by itself at the desk, with the page elsewhere.
    scroller() {
      const own = this.element;
      return own.scrollHeight > own.clientHeight + 1 && getComputedStyle(own).overflowY !== "visible" ? own : document.documentElement;
    }
    // How much of it lies below what can be seen: where one writes stays in view below it.
    below() {
      const box = this.scroller();
      if (box === this.element) return box.scrollHeight - box.scrollTop - box.clientHeight;
      const end = one("#newest, #composer")?.getBoundingClientRect().top ?? window.innerHeight;
      return this.element.getBoundingClientRect().bottom - Math.min(end, window.innerHeight);
    }
    isLow() { return this.below() < 160; }
    toEnd() {
      const below = this.below();
      if (below > 0) this.scroller().scrollTop += below + 12;
    }

    // Lines that were loaded on demand, or did not come again, stay above the fresh ones.
    before(fresh) {
      this.low = this.isLow();
      const found = joint(fresh);
      if (!found) return;
      const above = [];
      for (let row = found.old.parentElement.firstChild; row && row !== found.old; row = row.nextSibling) above.push(row);
      const isTail = "tail" in fresh.dataset;
      if (!isTail && !above.some((row) => /^m\d/.test(row.id ?? ""))) return;
      const list = found.line.parentElement;
      while (list.firstChild !== found.line) list.firstChild.remove();
      list.prepend(...above.map((row) => row.cloneNode(true)));
      // On the customer's page the list is one part of the history, below the link to older lines.
      if (list !== fresh) {
        one(":scope > .older", fresh)?.remove();
        const older = one(":scope > .older", this.element);
        if (older) list.before(older.cloneNode(true));
      }
      delete fresh.dataset.tail;
    }

    after() {
      const now = this.ids();
      const fresh = [...now].filter((id) => !this.known.has(id));
      this.known = now;
      if (this.isOwn) {
        this.voice.textContent = this.voice.dataset.own;
        this.read();
        return;
      }
      if (this.low) this.toEnd();
      if (!fresh.length) return;
      this.count += fresh.length;
      this.say(this.voice);
      if (this.low && !this.typing()) this.read();
      else if (this.pill) { this.say(one("span", this.pill)); this.pill.hidden = false; }
    }

    say(place) {
      if (!place) return;
      const words = place.closest("[data-one]").dataset;
      place.textContent = this.count === 1 ? words.one : words.many.replace("{n}", this.count);
    }

    scrolled() { if (this.count && this.isLow() && !this.typing()) this.read(false); }

    // Now it was read: sending need not ask about it.
    read(go = true) {
      this.count = 0;
      if (this.pill) this.pill.hidden = true;
      if (go) this.toEnd();
      const seen = one("[name=seen]");
      const last = one("[data-last-seq]");
      if (seen && last) seen.value = last.dataset.lastSeq;
    }
  }

  // ---------- The desk: a way that was picked stays, figures beside the menu follow
  function minds(event) {
    const { old, fresh } = event.detail;
    if (old.id === "way" || old.id === "send") {
      const way = one("#way");
      const kind = one("[name=kind]", way)?.value;
      if (kind || one("details[open]", way) || way.contains(document.activeElement)) event.preventDefault();
    }
    if (old.id === "live-figures") figures(fresh);
  }
  function figures(fresh) {
    for (const link of all("a", fresh)) {
      const shown = one(`#nav-sidebar-apps a[href="${link.getAttribute("href")}"]`);
      if (!shown) continue;
      [...shown.children].slice(2).forEach((old) => old.remove());
      shown.append(...[...link.children].map((badge) => document.importNode(badge, true)));
    }
  }

  // ---------- The line: one for the browser where it can, else the page's own
  let places = [];
  function start() {
    places = all("[data-live]").map((element) => new Place(element));
    if (!places.length) return;
    for (const place of places.filter((found) => found.element.matches("[data-live-history]"))) {
      place.history = new History(place.element);
    }
    document.addEventListener("live:before", minds);
    let greeted = false;

    function heard({ kind, key, keys, seq, mode }) {
      if (kind === "news") {
        for (const place of places.filter((found) => found.key === key)) {
          if (seq !== undefined) place.seq = Math.max(seq, place.seq);
          place.refresh();
        }
      }
      if (kind === "end") over(keys);
      if (kind === "mode") {
        document.documentElement.dataset.line = mode;
        // It was gone for a moment: whatever happened meanwhile.
        if (greeted && mode === "stream") places.forEach((place) => place.refresh());
        // What came between a list and the line: it has no number that the line could compare.
        if (!greeted) places.filter((place) => place.element.matches("[data-live=queue][data-have]")).forEach((place) => place.refresh());
        greeted = true;
      }
    }
    function over(keys) {
      const mine = places.filter((place) => keys.includes(place.key));
      const told = one("#live-ended");
      if (mine.length && told) told.hidden = false;
      for (const place of mine) {
        place.over = true;
        places.splice(places.indexOf(place), 1);
      }
    }

    const wants = () => places.map((place) => [place.key, place.seq]);
    connect(heard).then((send) => {
      const tell = (fresh) => send({ kind: "want", url, visible: !document.hidden, wants: wants(), fresh });
      tell(true);
      document.addEventListener("visibilitychange", () => tell(false));
      window.addEventListener("pagehide", () => send({ kind: "gone" }));
      window.addEventListener("pageshow", (event) => { if (event.persisted) tell(true); });
      setInterval(() => { if (!document.hidden) send({ kind: "here", visible: true }); }, 10000);
    });
  }

  async function connect(heard) {
    try {
      const shared = new SharedWorker(`${worker}?line=${encodeURIComponent(line)}`, { name: "onecase-live" });
      shared.port.onmessage = (event) => heard(event.data);
      let own = null;
      let last = null;
      shared.onerror = async () => { own = await alone(heard); if (last) own(last); };
      return (data) => {
        if (data.kind === "want") last = data;
        if (own) own(data); else shared.port.postMessage(data);
      };
    } catch {
      return alone(heard);
    }
  }

  async function alone(heard) {
    await new Promise((done, fail) => {
      const script = document.createElement("script");
      Object.assign(script, { src: line, onload: done, onerror: fail });
      document.head.append(script);
    });
    const own = new window.LiveLine((kind, data) => heard({ kind, ...data }));
    let free = null;
    return async (data) => {
      if (data.kind === "here") return;
      const keys = data.visible ? data.wants : [];
      if (keys.length) {
        free ??= await slot();
        own.asks = !free; // too many streams would leave no connection for pages
      } else {
        free?.();
        free = null;
      }
      own.want(url, new Map(keys), new Set(data.fresh ? keys.map(([key]) => key) : []));
    };
  }

  // One of the two streams that pages without a SharedWorker may have; null where both are taken.
  async function slot() {
    if (!navigator.locks) return () => {};
    for (const name of ["onecase-live-1", "onecase-live-2"]) {
      const free = await new Promise((done) => navigator.locks.request(name, { ifAvailable: true }, (lock) => {
        if (!lock) return done(null);
        return new Promise((release) => done(release));
      }));
      if (free) return free;
    }
    return null;
  }

  // The place of the history, while it is kept up to date.
  const history = () => places.find((place) => place.history && !place.over);
  window.OnecaseLive = { put, read, history };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
