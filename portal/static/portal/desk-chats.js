// Chats at the desk: who is there and types, how long they wait, one key to the next, sending by Enter.
(() => {
    "use strict";
    const one = (selector, root = document) => root.querySelector(selector);
    const all = (selector, root = document) => [...root.querySelectorAll(selector)];
    const TYPING = 6000; // as long as a sign of typing counts
    const signs = new Map(); // reference -> { typing: until when, here, since }
    const ago = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { style: "short" });

    // ---------- Who is there
    // Of a case that is open (d:K7Q-4MP) or that stands in a list (l:K7Q-4MP).
    function sign(key) {
        const name = key.slice(2);
        return signs.get(name) ?? signs.set(name, { typing: 0, here: null, since: null }).get(name);
    }
    function listen() {
        document.addEventListener("live:typing", ({ detail }) => {
            if (detail.who) return; // a colleague types
            sign(detail.key).typing = Date.now() + TYPING;
            show();
        });
        document.addEventListener("live:here", ({ detail }) => {
            Object.assign(sign(detail.key), { here: detail.here, since: detail.since && new Date(detail.since) });
            if (!detail.here) sign(detail.key).typing = 0;
            show();
        });
        document.addEventListener("live:after", show);
        setInterval(show, 1000);
    }
    function show() {
        const now = Date.now();
        for (const row of all("[data-hears]")) {
            const found = signs.get(row.dataset.hears);
            row.toggleAttribute("data-typing", (found?.typing ?? 0) > now);
            row.toggleAttribute("data-here", Boolean(found?.here));
        }
        for (const place of all("[data-ticks]")) write(place, clock(now - new Date(place.dateTime)));
        beside(now);
    }
    // Above what is written: the name of the customer, there or since when away.
    function beside(now) {
        const line = one("#with");
        const found = line && signs.get(line.dataset.with);
        if (!found || (!found.here && !found.since && found.typing <= now)) return; // they were never seen here
        const { here, left } = line.dataset;
        write(one("[role=status]", line), found.here === false ? left.replace("{ago}", when(now - found.since)) : here);
        one(".desk-with__typing", line).hidden = found.typing <= now;
        line.toggleAttribute("data-away", found.here === false);
        line.hidden = false;
    }
    const write = (place, text) => { if (place.textContent !== text) place.textContent = text; };
    function when(ms) {
        const minutes = Math.floor(ms / 60000);
        if (minutes < 1) return ago.format(-0, "minute");
        return minutes < 60 ? ago.format(-minutes, "minute") : ago.format(-Math.floor(minutes / 60), "hour");
    }
    // 0:42, 12:05, 1:03:20
    function clock(ms) {
        const seconds = Math.max(0, Math.floor(ms / 1000));
        const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
        if (parts[0] > 47) return ago.format(-Math.floor(parts[0] / 24), "day").replace("-", "");
        const [hours, ...rest] = parts.map((part) => String(part).padStart(2, "0"));
        return (hours === "00" ? rest : [hours, ...rest]).join(":").replace(/^0(?=\d)/, "");
    }

    // ---------- Writing
    const prefers = {
        name: "onecase-enter-sends",
        get on() { try { return localStorage.getItem(this.name) !== "no"; } catch { return true; } },
        set on(value) { try { localStorage.setItem(this.name, value ? "yes" : "no"); } catch { /* for this page alone */ } },
    };
    const answer = () => one("[data-write=answer]");
    const isChat = () => one("#way")?.dataset.kind === "chat";
    // On glass there is a button, and Enter is the only new line.
    const enterSends = () => isChat() && prefers.on && !window.matchMedia("(pointer: coarse)").matches;
    function writing() {
        const form = answer();
        if (!form) return;
        const key = `d:${one("#with").dataset.with}`;
        form.elements.text.addEventListener("input", () => {
            if (isChat() && form.elements.text.value.trim()) window.OnecaseLive?.typing?.(key);
        });
        document.addEventListener("keydown", (event) => {
            if (event.key !== "Enter" || event.defaultPrevented || event.isComposing) return;
            if (event.target !== form.elements.text || event.target.hasAttribute("aria-activedescendant")) return;
            const isCtrl = event.ctrlKey || event.metaKey;
            const next = event.shiftKey && isCtrl && one("[data-send-next]", form);
            const plain = !event.shiftKey && !isCtrl && !event.altKey && enterSends();
            const button = next || (plain && one("[data-send]", form));
            if (!button) return;
            event.preventDefault();
            event.stopPropagation();
            form.requestSubmit(button);
        }, true);
        const hint = one("[data-saved]", form), usual = hint.textContent;
        const settle = () => write(hint, enterSends() ? hint.dataset.chat : usual);
        for (const name of ["live:after", "htmx:afterSwap", "change"]) document.addEventListener(name, settle);
        settle();
        files();
    }

    // ---------- Files by drag and by paste: into the form that is open
    function files() {
        const composer = one("[data-composer]"), main = one(".desk-case__main");
        const add = (given) => {
            const input = one("[data-write]:not([hidden]) [data-files]", composer);
            const held = new DataTransfer();
            for (const file of [...input.files, ...given]) held.items.add(file);
            input.files = held.files;
            input.dispatchEvent(new Event("change", { bubbles: true }));
        };
        composer.addEventListener("paste", (event) => {
            if (!event.clipboardData?.files.length) return;
            event.preventDefault();
            add(event.clipboardData.files);
        });
        const isFile = (event) => event.dataTransfer?.types.includes("Files");
        main.addEventListener("dragover", (event) => {
            if (!isFile(event)) return;
            event.preventDefault();
            main.dataset.drop = "";
        });
        for (const end of ["dragleave", "drop"]) {
            main.addEventListener(end, (event) => { if (end === "drop" || !main.contains(event.relatedTarget)) delete main.dataset.drop; });
        }
        main.addEventListener("drop", (event) => {
            if (!isFile(event)) return;
            event.preventDefault();
            add(event.dataTransfer.files);
            one("[data-write]:not([hidden]) textarea", composer).focus();
        });
    }

    // ---------- What came while one looks on is seen: the bell need not ring for it
    function seeing() {
        const page = one("[data-case]"), history = one("#timeline");
        if (!history) return;
        let seq = history.dataset.seq;
        const tell = () => {
            if (document.hidden || history.dataset.seq === seq) return;
            seq = history.dataset.seq;
            const body = new URLSearchParams({ csrfmiddlewaretoken: one("[name=csrfmiddlewaretoken]").value });
            fetch(page.dataset.seen, { method: "POST", body, redirect: "manual" }).catch(() => { /* the next one tells */ });
        };
        document.addEventListener("live:after", (event) => { if (event.detail.old === history) tell(); });
        document.addEventListener("visibilitychange", tell);
    }

    // ---------- Keys
    function keys() {
        const list = one("#keys");
        if (!list) return;
        const box = one("[data-enter-sends]", list);
        box.checked = prefers.on;
        box.addEventListener("change", () => { prefers.on = box.checked; });
        document.addEventListener("keydown", (event) => {
            const isWritten = event.target.closest("input, textarea, select, dialog");
            if (event.altKey && !event.ctrlKey && !event.metaKey && event.code === "KeyN") {
                event.preventDefault();
                one("[data-key-next]")?.click();
            }
            if (event.key === "?" && !isWritten) { event.preventDefault(); list.showModal(); }
        });
        list.addEventListener("click", (event) => { if (event.target === list) list.close(); });
    }

    // Below this width the rail is a strip that is opened when it is needed.
    function rail() {
        const fold = one(".desk-rail__fold");
        if (fold && !window.matchMedia("(min-width: 1280px)").matches) fold.open = false;
    }

    function start() { listen(); writing(); seeing(); keys(); rail(); show(); }
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
    else start();
})();
