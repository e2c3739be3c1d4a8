/* Open pages show what is new by themselves. The line brings it, or only a hint that something is
   new, and the page fetches it; both with its own rights. Only what differs is put in (live-merge.js).
   A place is an element with data-live (what it is about), data-live-seq (what it shows) and
   data-live-from (where the fresh one comes from); data-live-late lets others go first (ms),
   data-live-pause is the time between two (ms), data-live-keep leaves a part alone,
   data-live-hidden goes on while the page is hidden: somebody is to hear of it there.
   Who listens on the document hears "live:typing" {key, who} (a sign lasts six seconds) and
   "live:here" {key, here, who, since}; OnecaseLive.typing and .seen tell the other side. */
"use strict";
(() => {
  const { url, worker, line } = document.currentScript.dataset;
  const { put, joint } = window.OnecaseMerge;
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  // A form that was sent brings a page with everything new: this one need not fetch it as well.
  const LEAVES = 4000;
  let leaving = 0;
  window.addEventListener("submit", (event) => { if (!event.defaultPrevented) leaving = Date.now() + LEAVES; });
  window.addEventListener("pageshow", () => { leaving = 0; });

  // An answer as a document of its own.
  const parse = (text) => new DOMParser().parseFromString(text, "text/html");
  const read = async (answer) => parse(await answer.text());

  // ---------- Places
  class Place {
    constructor(element) {
      this.element = element;
      this.key = element.dataset.live;
      this.seq = Number(element.dataset.liveSeq || 0);
      this.next = 0;
      this.late = Number(element.dataset.liveLate || 0);
    }

    // With its mark the line brings what is new, and not only the word that something is.
    get mark() { return this.history && this.element.dataset.have; }

    get isAwake() { return !document.hidden || "liveHidden" in this.element.dataset; }

    // One question at a time; what is heard meanwhile is one more.
    async refresh() {
      this.wanted = true;
      if (this.busy) return;
      this.busy = true;
      this.next = Math.max(this.next, Date.now() + this.late);
      for (let tries = 0; this.wanted && tries < 8 && this.isAwake;) {
        await pause(Math.max(0, this.next - Date.now(), leaving - Date.now()));
        this.wanted = false;
        if (this.over) break;
        if (await this.fetch()) this.next = Date.now() + Number(this.element.dataset.livePause || 0);
        else { this.wanted = true; tries += 1; await pause(1000 * tries); }
      }
      this.free();
    }

    // Its number, as far as it has one.
    has(seq) { return this.history && parseInt(this.element.dataset.have, 10) >= seq; }

    // What the line brought, where it goes on from what this place shows; else the page asks itself.
    // Lines that its own form brought since are among those that come.
    bring(part) {
      const { have } = this.element.dataset;
      if (part.have === have || part.seq < parseInt(have, 10)) return; // its own form brought it
      if (this.busy) { this.brought = part; return; }
      const goesOn = part.had === have || parseInt(part.had, 10) < parseInt(have, 10);
      const isMine = goesOn && part.from === this.element.dataset.liveFrom;
      if (!isMine || Date.now() < leaving) { this.refresh(); return; }
      this.while(true, () => this.take(parse(part.html)));
    }

    // Done: what was heard meanwhile.
    free() {
      const part = this.brought;
      this.busy = this.brought = null;
      if (part) this.bring(part);
      if (this.wanted) this.refresh();
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
      // Rendered before what this place was brought meanwhile: that has it as well.
      if (this.history && parts.some((part) => part.id === this.element.id && parseInt(part.dataset.have, 10) < parseInt(this.element.dataset.have, 10))) return true;
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
      this.free();
    }

    parts(page) {
      const whole = "liveWhole" in this.element.dataset;
      return whole ? [page.getElementById(this.element.id)].filter(Boolean) : [...page.body.children];
    }
  }

  // ---------- What is new in a history: said aloud, counted on a button, scrolled to
  // A page that has something to tell above its lines, or was asked for one of them, opens there.
  const ELSEWHERE = "main > .strip, #errors, #waiting > *, [data-live-history] :target";
  class History {
    constructor(element) {
      this.element = element;
      // Whether the reader is at its end, and is kept there: until they go up themselves.
      this.low = !one(ELSEWHERE) || this.isLow();
      this.stood = {};
      this.known = this.ids();
      this.count = 0;
      this.pill = one("[data-news]");
      this.voice = one("#news");
      this.pill?.addEventListener("click", () => this.read());
      document.addEventListener("live:before", (event) => { if (event.detail.old === element) this.before(event.detail); });
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
      this.low = true;
    }

    // Lines that were loaded on demand, or did not come again, stay above the fresh ones.
    before(detail) {
      const { fresh } = detail;
      const found = joint(fresh);
      if (!found) return;
      const isTail = "tail" in fresh.dataset;
      const lines = [...found.old.parentElement.children];
      if (!isTail && !lines.slice(0, lines.indexOf(found.old)).some((row) => /^m\d/.test(row.id))) return;
      const list = found.line.parentElement;
      while (list.firstChild !== found.line) list.firstChild.remove();
      detail.goesOn = found.old;
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

    // What grows moves nobody up, and what goes by no more than it was high: else it was the reader.
    scrolled() {
      const box = this.scroller(), { scrollTop: top, scrollHeight: height } = box, before = this.stood;
      this.stood = { box, top, height };
      if (this.isLow()) this.low = true;
      else if (before.box !== box || before.top - top > Math.max(0, before.height - height)) this.low = false;
      if (this.count && this.isLow() && !this.typing()) this.read(false);
    }

    // Now it was read: sending need not ask about it.
    read(go = true) {
      this.count = 0;
      if (this.pill) this.pill.hidden = true;
      if (go) this.toEnd();
      const seen = one("[name=seen]");
      if (seen) seen.value = this.element.dataset.seq;
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

    function heard({ kind, key, keys, seq, part, own, mode, ...sign }) {
      if ((kind === "typing" || kind === "here") && [...places.map((place) => [place.key]), ...listed()].some(([wanted]) => wanted === key)) {
        document.dispatchEvent(new CustomEvent(`live:${kind}`, { detail: { key, ...sign } }));
      }
      if (kind === "news") {
        for (const place of places.filter((found) => found.key === key)) {
          if (seq !== undefined) place.seq = Math.max(seq, place.seq);
          if (part) place.bring(part);
          else if (!(own && place.has(seq))) place.refresh();
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

    const awake = () => places.filter((place) => place.isAwake);
    // Of the cases of a list (data-hears) only who types and who is here, while they are looked at. Those
    // that were listened for stay so while the list has them: one that only moved up is no new line.
    const MOST_HEARD = 30;
    let hears = new Set();
    const listed = () => {
      const shown = document.hidden ? [] : all("[data-hears]").map((row) => row.dataset.hears);
      const names = new Set(shown.filter((name) => !places.some((place) => place.key === `d:${name}`)));
      const [known, others] = [[...names].filter((name) => hears.has(name)), [...names].filter((name) => !hears.has(name))];
      hears = new Set([...known, ...others].slice(0, MOST_HEARD));
      return [...hears].map((name) => [`l:${name}`, 0]);
    };
    connect(heard).then((send) => {
      const tell = (fresh) => {
        const wants = [...awake().map((place) => [place.key, place.seq, place.mark]), ...listed()];
        send({ kind: "want", url, visible: wants.length > 0, hidden: document.hidden, wants, fresh });
      };
      tell(true);
      let before = listed().sort().join();
      document.addEventListener("live:after", () => { if (before !== (before = listed().sort().join())) tell(false); });
      document.addEventListener("visibilitychange", () => {
        tell(false);
        // Another window may have kept the line open, and heard of what this one has not.
        if (!document.hidden) places.filter((place) => place.history).forEach((place) => place.refresh());
      });
      window.addEventListener("pagehide", () => send({ kind: "gone" }));
      window.addEventListener("pageshow", (event) => { if (event.persisted) tell(true); });
      setInterval(() => { if (awake().length) send({ kind: "here", visible: true }); }, 10000);
    });
  }

  async function connect(heard) {
    try {
      const shared = new SharedWorker(`${worker}?line=${encodeURIComponent(line)}`, { name: `onecase-live ${url}` });
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
      const marks = keys.flatMap(([key, , mark]) => (mark ? [[key, mark]] : []));
      const names = keys.map(([key]) => key);
      own.want(url, new Map(keys), new Set(data.fresh ? names : []), marks, new Set(data.hidden ? names : []));
    };
  }

  // One of the two streams that pages without a SharedWorker may have; null where both are taken.
  async function slot() {
    if (!navigator.locks) return () => {};
    for (const name of ["onecase-live-1", "onecase-live-2"]) {
      const free = await new Promise((done) => navigator.locks.request(name, { ifAvailable: true }, (lock) => {
        if (!lock) return done(null);
        return new Promise((release) => done(release));
      }).catch(() => done(() => {}))); // in a frame on another site it may be forbidden
      if (free) return free;
    }
    return null;
  }

  // ---------- Telling the other side
  async function tell(path, values) {
    const headers = { "X-CSRFToken": one("[name=csrfmiddlewaretoken]")?.value ?? "" };
    try {
      return (await fetch(`${url}${path}/`, { method: "POST", body: new URLSearchParams(values), headers, redirect: "manual" })).ok;
    } catch {
      return false;
    }
  }

  // That somebody types here: once in three seconds, however often it is said.
  const typed = new Map();
  function typing(key) {
    const now = Date.now();
    if (now - (typed.get(key) ?? 0) < 3000) return;
    typed.set(key, now);
    tell("typing", { key });
  }

  // How far this page was seen: "read", or "delivered" while it is hidden. Each number once.
  const shown = new Map();
  async function seen(key, seq, how) {
    const before = shown.get(key) ?? { read: 0, delivered: 0 };
    if (!key.startsWith("q:") || seq <= before[how]) return;
    shown.set(key, how === "read" ? { read: seq, delivered: Math.max(seq, before.delivered) } : { ...before, delivered: seq });
    if (!(await tell("seen", { key, seq, how }))) shown.set(key, before);
  }

  // The place of the history, while it is kept up to date.
  const history = () => places.find((place) => place.history && !place.over);
  // A place in a line moves when others are answered or called, of which no hint tells this page.
  setInterval(() => { if (!document.hidden && one("[data-in-line]")) history()?.refresh(); }, 20000);
  window.OnecaseLive = { read, history, typing, seen };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
