// A sound and a notification when a customer writes in a chat: where this browser was asked to, and
// in one of its tabs alone. The bell brings what there is to tell; it goes on while that tab is hidden.
(() => {
    "use strict";
    const one = (selector, root = document) => root.querySelector(selector);
    const MOST = 200; // calls that are remembered as told
    const STARTS = 1500; // ms that a browser may take until it makes a sound
    const ONE = 10000; // ms in which what happens to one chat rings once: it came, and was given to somebody
    const store = {
        get(name) { try { return JSON.parse(localStorage.getItem(`onecase-calls-${name}`)); } catch { return null; } },
        set(name, value) { try { localStorage.setItem(`onecase-calls-${name}`, JSON.stringify(value)); } catch { /* full or forbidden */ } },
    };
    const wantsAny = () => Boolean(store.get("sound") || store.get("notes"));

    // ---------- The sound: two short notes, made here
    let audio = null;
    async function ring() {
        if (!window.AudioContext) return false;
        audio ??= new AudioContext();
        // Without a press on this page the browser may keep it silent, and says so only by waiting.
        await Promise.race([audio.resume(), new Promise((done) => setTimeout(done, STARTS))]);
        if (audio.state !== "running") return false;
        for (const [pitch, at] of [[784, 0], [1047, 0.13]]) {
            const note = audio.createOscillator(), loud = audio.createGain(), from = audio.currentTime + at;
            note.frequency.value = pitch;
            loud.gain.setValueAtTime(0.0001, from);
            loud.gain.exponentialRampToValueAtTime(0.12, from + 0.02);
            loud.gain.exponentialRampToValueAtTime(0.0001, from + 0.28);
            note.connect(loud).connect(audio.destination);
            note.start(from);
            note.stop(from + 0.3);
        }
        return true;
    }

    // ---------- The notification: which case, and nothing of what was said
    function notify(place, reference, isFree) {
        const { writes, waits, address } = place.dataset;
        const title = (isFree ? waits : writes).replace("{reference}", reference);
        try {
            const shown = new Notification(title, { tag: `onecase-${reference}` });
            shown.onclick = () => { window.focus(); location.assign(address.replace("{reference}", reference)); shown.close(); };
            return true;
        } catch { return false; } // telephones let only a service worker do it
    }
    const may = () => (window.Notification ? Notification.permission : "none");

    // ---------- One tab listens
    function listen(place) {
        let isFirst = false;
        const lead = () => {
            if (!isFirst || !wantsAny()) return;
            for (const element of [one("#bell"), one("#live-figures")]) {
                const from = new URL(element.dataset.liveFrom, location.href);
                from.searchParams.set("calls", "1");
                element.dataset.liveFrom = from.pathname + from.search;
                element.dataset.liveHidden = "";
            }
            one("#live-figures").dataset.livePause = "3000";
            document.documentElement.dataset.calls = "here";
            document.dispatchEvent(new Event("visibilitychange")); // the line hears that this tab stays awake
            catchUp(place);
        };
        const turn = () => { isFirst = true; lead(); return new Promise(() => {}); }; // held until the tab is closed
        if (navigator.locks) navigator.locks.request("onecase-calls", turn);
        else turn();
        document.addEventListener("live:after", (event) => { if (event.detail.old === place) hear(place); });
        document.addEventListener("calls:wanted", lead);
        // Who looks at a case need not be told of it, whichever tab listens.
        const looks = () => store.set("looks", document.hasFocus() ? one("[data-case]")?.dataset.case ?? "" : "");
        for (const name of ["focus", "blur"]) window.addEventListener(name, looks);
        looks();
    }
    // What came while one page went and the next one came.
    async function catchUp(place) {
        try {
            const answer = await fetch(one("#bell").dataset.liveFrom, { redirect: "error" });
            if (!answer.ok) return;
            const page = new DOMParser().parseFromString(await answer.text(), "text/html");
            place.dataset.calls = one("#calls", page)?.dataset.calls ?? "";
            hear(place);
        } catch { /* the bell comes by itself */ }
    }
    const rung = new Map(); // reference -> when
    function isNew(call, now) {
        const [reference] = call.split(":");
        const isLate = now - (rung.get(reference) ?? -Infinity) > ONE;
        if (isLate) rung.set(reference, now);
        return isLate;
    }
    function hear(place) {
        const calls = place.dataset.calls.split(" ").filter(Boolean);
        const told = store.get("told");
        store.set("told", [...new Set([...(told ?? []), ...calls])].slice(-MOST));
        if (!told || !wantsAny()) return; // what was there before it was asked for
        const looks = store.get("looks");
        const now = performance.now();
        const fresh = calls.filter((call) => !told.includes(call) && call.split(":")[0] !== looks && isNew(call, now));
        if (!fresh.length) return;
        if (store.get("sound")) ring();
        if (!store.get("notes") || may() !== "granted" || document.hasFocus()) return;
        for (const call of fresh) notify(place, call.split(":")[0], call.endsWith(":free"));
    }

    // ---------- The settings
    function settings(part) {
        const sound = one("[data-calls-sound]", part), notes = one("[data-calls-notes]", part), state = one("[data-calls-state]", part);
        const say = (name) => { state.textContent = name ? state.dataset[name] : ""; };
        const settle = () => {
            sound.checked = Boolean(store.get("sound")) && Boolean(window.AudioContext);
            sound.disabled = !window.AudioContext;
            notes.checked = Boolean(store.get("notes")) && may() === "granted";
            notes.disabled = may() === "none";
            if (may() === "none") say("none");
            else if (store.get("notes") && may() === "denied") say("denied");
        };
        const wanted = () => document.dispatchEvent(new Event("calls:wanted"));
        const play = async () => say(await ring() ? "" : "silent");
        sound.addEventListener("change", () => { store.set("sound", sound.checked); if (sound.checked) play(); wanted(); });
        one("[data-calls-try]", part).addEventListener("click", play);
        notes.addEventListener("change", async () => {
            say("");
            if (notes.checked && may() === "default") { say("asks"); await Notification.requestPermission(); say(""); }
            store.set("notes", notes.checked);
            settle();
            wanted();
        });
        settle();
        part.hidden = false;
    }

    function start() {
        const place = one("#calls"), part = one("[data-calls-settings]");
        if (place) listen(place);
        if (part) settings(part);
    }
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
    else start();
})();
