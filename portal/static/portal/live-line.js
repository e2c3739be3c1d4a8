/* One line to the server for all pages that are looked at: a stream, or questions every five
   seconds where a stream fails. Runs in a SharedWorker, or in the page where there is none. */
"use strict";

class LiveLine {
  static SILENCE = 40000; // no ping for so long: the line is dead
  static POLL = 5000;
  static FAILS = 2;

  constructor(tell) {
    this.tell = tell; // (kind, data) => void
    this.url = "";
    this.wants = new Map(); // key -> the number that the pages show
    this.marks = new Map(); // key -> the mark of their history
    this.behind = new Set(); // keys that only pages want that nobody sees
    this.served = new Set();
    this.ended = new Set();
    this.versions = {};
    this.here = new Map(); // key -> who was told to be there
    this.fails = 0;
    this.pause = LiveLine.POLL;
    this.source = null;
    this.poller = null;
    this.later = null; // a change of wants, collected
    this.asks = false; // no stream for this one
    this.retry = null; // the next try of a line that failed
  }

  // What all visible pages want now; opens, keeps or closes the line.
  want(url, wants, anew, marks, behind) {
    this.url = url;
    for (const [key, mark] of marks) this.marks.set(key, mark);
    for (const key of anew) this.ended.delete(key);
    const before = this.wants;
    this.wants = new Map();
    for (const [key, since] of wants) this.wants.set(key, Math.max(since, before.get(key) ?? 0));
    const alive = this.keys();
    const turned = alive.filter((key) => key.startsWith("q:") && behind.has(key) !== this.behind.has(key));
    this.behind = behind;
    if (!alive.length) return this.close();
    const open = this.source || this.poller || this.later || this.retry;
    if (!open || turned.length || alive.some((key) => !before.has(key) || anew.has(key))) this.start(50);
    else {
      for (const data of this.here.values()) this.tell("here", data); // for a page that was hidden
      if ([...before.keys()].some((key) => !this.wants.has(key))) this.start(3000);
    }
  }

  keys() {
    return [...this.wants.keys()].filter((key) => !this.ended.has(key)).slice(0, 60);
  }

  // Soon, and once for many changes: ten tabs that open are one new stream.
  start(wait) {
    if (this.later && this.soon <= wait) return;
    clearTimeout(this.later);
    this.soon = wait;
    this.later = setTimeout(() => {
      this.later = null;
      if (this.poller) this.poll();
      else this.open();
    }, wait);
  }

  query() {
    const search = new URLSearchParams();
    for (const key of this.keys()) {
      const mark = this.marks.get(key);
      const since = this.wants.get(key) || mark ? `:${this.wants.get(key)}` : "";
      search.append("want", `${key}${since}${mark ? `:${mark}` : ""}`);
      if (this.behind.has(key) && key.startsWith("q:")) search.append("behind", key);
    }
    return search;
  }

  open() {
    this.shut();
    if (!this.keys().length) return;
    if (!self.EventSource || this.asks) return this.failed();
    const source = (this.source = new EventSource(`${this.url}?${this.query()}`));
    this.listen();
    const on = (name, act) => source.addEventListener(name, (event) => {
      if (this.source !== source) return;
      this.listen();
      act(JSON.parse(event.data));
    });
    on("hello", (data) => {
      this.stopPolling();
      this.fails = 0;
      this.pause = LiveLine.POLL;
      this.served = new Set(data.served);
      this.end(data.ended);
      this.tell("mode", { mode: "stream", served: data.served });
    });
    on("case", (data) => this.news(data.case, data.seq, { own: data.own }));
    on("part", (data) => {
      this.marks.set(data.case, data.have);
      this.news(data.case, data.seq, { part: data });
    });
    on("queue", () => this.tell("news", { key: "queue" }));
    on("typing", (data) => this.tell("typing", data));
    on("here", (data) => {
      this.here.set(data.key, data);
      this.tell("here", data);
    });
    on("bell", (data) => this.tell("news", { key: "bell", count: data.count }));
    // By the session of then; the browser may have another one by now, and only hello is final.
    on("end", () => this.again(100));
    on("bye", () => this.again(300 + Math.random() * 700));
    on("ping", () => {});
    source.onerror = () => { if (this.source === source) this.failed(); };
  }

  // A line over which nothing comes at all is a dead one, whatever the browser thinks of it.
  listen() {
    clearTimeout(this.deaf);
    this.deaf = setTimeout(() => this.failed(), LiveLine.SILENCE);
  }

  failed() {
    this.shut();
    this.fails += 1;
    if (this.fails < LiveLine.FAILS) return this.again(1000);
    this.again(this.pause);
    this.pause = Math.min(this.pause * 2, 60000);
    if (!this.poller) {
      this.tell("mode", { mode: "poll", served: [] });
      for (const key of this.here.keys()) this.tell("here", { key, here: false, who: "", since: "" });
      this.here.clear();
      this.poller = setInterval(() => this.poll(), LiveLine.POLL);
      this.poll();
    }
  }

  again(wait) {
    this.shut();
    this.retry = setTimeout(() => this.open(), wait);
  }

  async poll() {
    const asked = this.keys();
    if (!asked.length) return;
    let found;
    try {
      const answer = await fetch(`${this.url}poll/?${this.query()}`, { cache: "no-cache" });
      if (!answer.ok) return;
      found = await answer.json();
    } catch {
      return; // the next one will say
    }
    if (!this.poller) return;
    this.end(asked.filter((key) => !(key in found)));
    for (const [key, version] of Object.entries(found)) {
      const before = this.versions[key];
      this.versions[key] = version;
      if (before === version) continue;
      if (key === "queue" || key === "bell") this.tell("news", { key, count: version });
      else if (before !== undefined || parseInt(version, 10) > (this.wants.get(key) ?? 0)) this.news(key, parseInt(version, 10));
    }
  }

  // `part`: what is new itself; `own`: a page of this side wrote it, and has it.
  news(key, seq, { part, own } = {}) {
    if (this.wants.has(key)) this.wants.set(key, Math.max(seq, this.wants.get(key)));
    this.tell("news", { key, seq, part, own });
  }

  end(keys) {
    for (const key of keys) this.ended.add(key);
    if (keys.length) this.tell("end", { keys });
    if (!this.keys().length) this.close();
  }

  shut() {
    clearTimeout(this.deaf);
    clearTimeout(this.retry);
    this.retry = null;
    this.source?.close();
    this.source = null;
  }

  stopPolling() {
    clearInterval(this.poller);
    this.poller = null;
    this.versions = {};
  }

  close() {
    this.shut();
    this.stopPolling();
    clearTimeout(this.later);
    this.later = null;
    this.served.clear();
    this.here.clear();
  }
}
self.LiveLine = LiveLine;
