/* What was sent in a chat and did not arrive yet. It stays in this browser until the server has it:
   over a lost connection, a reload and a closed tab. One tab sends at a time, in order; each
   message has a key of its own, by which the server takes it once. */
"use strict";

// Kept in the browser; in this page alone where the browser keeps nothing.
class Unsent {
  constructor(of) {
    this.of = of;
    this.only = new Map();
    this.opened = this.open().catch(() => null);
  }

  open() {
    return new Promise((done, fail) => {
      const asked = indexedDB.open("onecase", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("unsent", { keyPath: "key" }).createIndex("of", "of");
      asked.onsuccess = () => {
        asked.result.onversionchange = () => { asked.result.close(); this.opened = null; }; // it is forgotten
        done(asked.result);
      };
      asked.onerror = asked.onblocked = fail;
    });
  }

  async do(mode, work, instead) {
    const store = (await this.opened)?.transaction("unsent", mode, { durability: "strict" }).objectStore("unsent");
    if (!store) return instead();
    return new Promise((done, fail) => {
      const asked = work(store);
      const end = () => done(asked.result);
      if (mode === "readonly") asked.onsuccess = end;
      else store.transaction.oncomplete = end;
      store.transaction.onabort = asked.onerror = () => fail(asked.error);
    });
  }

  // Oldest first. What the browser did not keep is in this page.
  async all() {
    const found = await this.do("readonly", (store) => store.index("of").getAll(this.of), () => []);
    return [...found, ...this.only.values()].sort((one, other) => one.at - other.at);
  }

  async put(item) {
    const alone = () => { this.only.set(item.key, item); };
    try { await this.do("readwrite", (store) => store.put(item), alone); } catch { alone(); } // no room is left
  }

  async remove(key) {
    this.only.delete(key);
    await this.do("readwrite", (store) => store.delete(key), () => {}).catch(() => {});
  }
}

/* Sends what waits: at once, when the connection is back, and else again after a while.
   `post(item)` says "sent", "away" (the server, or the way to it), or what is wrong in words. */
class Sender {
  static FIRST = 1000;
  static LONGEST = 30000;

  constructor(unsent, post, changed) {
    Object.assign(this, { unsent, post, changed, pause: Sender.FIRST, busy: false });
  }

  async go() {
    this.wanted = true;
    if (this.busy) return;
    this.busy = true;
    clearTimeout(this.later);
    while (this.wanted) {
      this.wanted = false;
      await this.alone(() => this.drain());
    }
    this.busy = false;
  }

  // Two tabs do not send the same: where a browser cannot say so, or may not, as in a frame on
  // another site, the keys still do.
  async alone(work) {
    let begun = false;
    try {
      await navigator.locks.request(`onecase-unsent-${this.unsent.of}`, () => { begun = true; return work(); });
    } catch (fault) {
      if (begun) throw fault;
      await work();
    }
  }

  async drain() {
    for (;;) {
      const next = (await this.unsent.all()).find((item) => !item.wrong);
      if (!next) return;
      const how = await this.post(next);
      if (how === "away") return this.again();
      this.pause = Sender.FIRST;
      if (how === "sent") await this.unsent.remove(next.key);
      else await this.unsent.put({ ...next, wrong: how });
      await this.changed(next, how);
    }
  }

  again() {
    clearTimeout(this.later);
    this.later = setTimeout(() => this.go(), this.pause * (0.8 + Math.random() * 0.4));
    this.pause = Math.min(this.pause * 2, Sender.LONGEST);
    this.changed();
  }

  // Something says that the server can be reached again.
  wake() {
    this.pause = Sender.FIRST;
    this.go();
  }
}
