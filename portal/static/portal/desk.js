// The desk without it works; with it drafts are kept, lists stay fresh, keys send.
(() => {
    "use strict";
    document.documentElement.classList.add("has-script");
    const DAY = 24 * 3600 * 1000;
    const KEPT = 14 * DAY;
    const one = (selector, root = document) => root.querySelector(selector);
    const all = (selector, root = document) => [...root.querySelectorAll(selector)];

    // Storage may be full or forbidden: then nothing is kept, and nothing else breaks.
    const store = {
        get(name) { try { return JSON.parse(localStorage.getItem(name)); } catch { return null; } },
        set(name, value) { try { localStorage.setItem(name, JSON.stringify(value)); return true; } catch { return false; } },
        remove(name) { try { localStorage.removeItem(name); } catch { /* nothing kept */ } },
        names() { try { return Object.keys(localStorage); } catch { return []; } },
    };

    // Menus close when the eye goes elsewhere.
    function menus() {
        document.addEventListener("click", (event) => {
            for (const menu of all("details[data-menu][open]")) {
                if (!menu.contains(event.target)) menu.open = false;
            }
        });
        document.addEventListener("keydown", (event) => {
            if (event.key !== "Escape") return;
            for (const menu of all("details[data-menu][open]")) {
                menu.open = false;
                one("summary", menu).focus();
            }
        });
    }

    // How much each colleague has is counted for a menu that is opened; the names stand there before.
    function weights() {
        const list = one("[data-weighed]"), menu = list?.closest("details");
        if (!menu) return;
        const weigh = async () => {
            if (!menu.open) return;
            try {
                const answer = await fetch(list.dataset.weighed, { redirect: "error" });
                const page = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
                for (const option of all("option", page || list)) {
                    const shown = [...list.options].find((other) => other.value === option.value);
                    if (shown && shown.text !== option.text) shown.text = option.text;
                }
            } catch { /* the names do without */ }
        };
        menu.addEventListener("toggle", weigh);
        document.addEventListener("live:after", (event) => { if (event.detail.old.contains(list)) weigh(); });
    }

    function toasts() {
        document.addEventListener("click", (event) => {
            event.target.closest("[data-dismiss]")?.closest(".desk-toast")?.remove();
        });
        all(".desk-toasts").forEach(fade);
        // An answer that was sent without leaving the page brings its own.
        document.addEventListener("live:sent", (event) => {
            const fresh = one(".desk-toasts", event.detail);
            one(".desk-toasts")?.remove();
            if (!fresh) return;
            one("#content").before(fresh);
            fade(fresh);
        });
    }
    function fade(toasts) {
        for (const toast of all(".desk-toast--success, .desk-toast--info", toasts)) {
            // Who points at it reads it; the time runs on once they are gone.
            let timer;
            const wait = () => {
                clearTimeout(timer);
                timer = setTimeout(() => toast.remove(), one("form", toast) ? 12000 : 6000);
            };
            const stay = () => clearTimeout(timer);
            for (const name of ["mouseenter", "focusin"]) toast.addEventListener(name, stay);
            for (const name of ["mouseleave", "focusout"]) toast.addEventListener(name, wait);
            wait();
        }
    }

    function filters() {
        for (const form of all("form[data-filter]")) {
            for (const field of all("select, [type=checkbox]", form)) field.addEventListener("change", () => form.requestSubmit());
            form.addEventListener("formdata", (event) => {
                for (const [name, value] of [...event.formData.entries()]) if (!value) event.formData.delete(name);
            });
        }
        document.addEventListener("keydown", (event) => {
            if (event.key !== "/" || event.target.closest("input, textarea, select")) return;
            const field = one("[data-search]");
            if (field) { event.preventDefault(); field.focus(); field.select(); }
        });
    }

    // Folded parts stay as this person left them.
    function folds() {
        for (const part of all("details[data-remember]")) {
            const name = `onecase-fold:${part.dataset.remember}`;
            if (store.get(name) === false) part.open = false;
            part.addEventListener("toggle", () => store.set(name, part.open));
        }
        const wide = window.matchMedia("(min-width: 1000px)");
        const settle = () => all("details[data-narrow-folds]").forEach((part) => { part.open = wide.matches; });
        settle();
        wide.addEventListener("change", settle);
    }

    const printing = () => document.addEventListener("click", (event) => { if (event.target.closest("[data-print]")) window.print(); });

    // What happened since this person last looked: the card of the story then stands open and says it.
    const MOST_LOOKED = 300;
    function story() {
        const card = one("[data-story]");
        if (!card) return;
        const name = `onecase-looked:${card.dataset.user}`, seen = store.get(name) || {};
        const looked = seen[card.dataset.story] ?? -1;
        let told = looked;
        const show = () => {
            const items = all("#story [data-news-seq], #handed [data-news-seq]");
            for (const item of items) item.hidden = looked >= 0 && Number(item.dataset.newsSeq) <= looked;
            const strip = one("#handed");
            if (strip) strip.hidden = !all("[data-news-seq]", strip).some((item) => !item.hidden);
            const newest = Math.max(0, ...items.map((item) => Number(item.dataset.newsSeq)));
            if (newest > told) card.open = true;
            told = Math.max(told, newest);
            delete seen[card.dataset.story]; // it is the newest again
            seen[card.dataset.story] = Number(card.dataset.seq);
            store.set(name, Object.fromEntries(Object.entries(seen).slice(-MOST_LOOKED)));
        };
        if (looked < 0) card.open = true;
        show();
        document.addEventListener("live:after", (event) => { if (["story", "handed"].includes(event.detail.old.id)) show(); });
    }

    // One form is sent once; Ctrl+Enter sends it.
    function sending() {
        document.addEventListener("submit", (event) => {
            const form = event.target;
            if (!form.matches("[data-write], [data-once]") || event.submitter?.hasAttribute("formaction")) return;
            if (form.dataset.busy) { event.preventDefault(); return; }
            form.dataset.busy = "1";
            all("button:not([type=button])", form).forEach((button) => button.setAttribute("aria-busy", "true"));
            setTimeout(() => free(form), 8000);
        });
        window.addEventListener("pageshow", () => all("[data-busy]").forEach(free));
        document.addEventListener("live:sent", (event) => free(event.target));
        document.addEventListener("keydown", (event) => {
            if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
            const form = event.target.closest("[data-write], [data-once]");
            const button = form && one("[data-send], .desk-send button, .desk-button--primary", form);
            if (button) { event.preventDefault(); form.requestSubmit(button); }
        });
    }
    function free(form) {
        delete form.dataset.busy;
        all("[aria-busy]", form).forEach((button) => button.removeAttribute("aria-busy"));
    }

    function files() {
        // Unfold would write the name into a text field that our forms do not have.
        for (const input of all("[data-files]")) input.hasChangeListener = true;
        document.addEventListener("change", (event) => {
            if (!event.target.matches("[data-files]")) return;
            const names = [...event.target.files].map((file) => file.name).join(", ");
            const place = one("[data-file-names]", event.target.closest("form"));
            if (place) place.textContent = names;
            const list = one("[data-listed]", event.target.form);
            if (!list) return;
            list.value = JSON.stringify([...event.target.files].map((file) => [file.name, file.type, file.size]));
            list.dispatchEvent(new Event("input", { bubbles: true }));
        });
    }

    // A form about a way to answer shows only the fields of the chosen one.
    function kinds() {
        for (const select of all("[data-kind-select]")) {
            const form = select.form;
            const settle = () => {
                const chosen = select.selectedOptions[0];
                all("[data-for-scheme]", form).forEach((part) => { part.hidden = !chosen?.dataset.scheme; });
                all("[data-for-kind]", form).forEach((part) => { part.hidden = part.dataset.forKind !== select.value; });
            };
            select.addEventListener("change", settle);
            settle();
        }
    }

    // Drafts: per person, case and tab, with the key of the form, so that sending twice is one message.
    function drafts(composer, reference) {
        const prefix = `onecase-draft:${composer.dataset.user}:`;
        for (const name of store.names()) {
            if (name.startsWith("onecase-draft:") && Date.now() - (store.get(name)?.at || 0) > KEPT) store.remove(name);
        }
        for (const form of all("[data-write]", composer)) {
            const name = `${prefix}${reference}:${form.dataset.write}`;
            const text = form.elements.text;
            const kept = store.get(name);
            if (kept && kept.key === composer.dataset.sent) store.remove(name);
            else if (kept && kept.text && !text.value) {
                text.value = kept.text;
                form.elements.client_key.value = kept.key;
                const hint = one("[data-saved]", form);
                if (hint && hint.dataset.kept !== "1") hint.dataset.kept = "1";
                if (form.dataset.write === "note" && !one("[data-write=answer] [name=text]", composer).value) tab(composer, "note");
            }
            let timer;
            const keep = () => {
                if (!text.value.trim()) store.remove(name);
                else store.set(name, { text: text.value, key: form.elements.client_key.value, at: Date.now() });
            };
            text.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(keep, 250); });
            window.addEventListener("pagehide", keep);
            form.addEventListener("submit", keep);
        }
    }

    // Forms that only this browser tab remembers (they hold a customer's name and number): until they
    // are saved, also over a sign-in. The page after saving names what was saved: ?sent=key.
    const KEPT_FORM = "onecase-form:";
    const kept = {
        get(name) { try { return JSON.parse(sessionStorage.getItem(name)); } catch { return null; } },
        set(name, value) { try { sessionStorage.setItem(name, JSON.stringify(value)); } catch { /* full or forbidden */ } },
        remove(name) { try { sessionStorage.removeItem(name); } catch { /* nothing kept */ } },
        names() { try { return Object.keys(sessionStorage).filter((name) => name.startsWith(KEPT_FORM)); } catch { return []; } },
    };
    function keptForms() {
        const url = new URL(location.href);
        const sent = url.searchParams.get("sent");
        if (sent) {
            for (const name of kept.names()) if (kept.get(name)?.key === sent) kept.remove(name);
            for (const name of store.names()) if (name.startsWith("onecase-draft:") && store.get(name)?.key === sent) store.remove(name);
            url.searchParams.delete("sent");
            history.replaceState(null, "", url.pathname + url.search + url.hash);
        }
        for (const form of all("form[data-keep]")) keepForm(form, url.search);
    }
    function keepForm(form, search) {
        const name = `${KEPT_FORM}${form.dataset.user}:${form.dataset.keep}`;
        const bound = "bound" in form.dataset;
        let before = kept.get(name);
        if (before && !bound && (!search || before.search === search)) fill(form, before.values);
        else before = null;
        let timer, stopped = false;
        const keep = () => {
            if (stopped) return;
            const fields = all("textarea, input:not([type]), input[type=text]", form);
            if (!fields.some((field) => field.value.trim() && (bound || before || field.value !== field.defaultValue))) return;
            const values = [...new FormData(form).entries()].filter(([field, value]) => field !== "csrfmiddlewaretoken" && typeof value === "string");
            kept.set(name, { values, search, key: form.dataset.key || form.elements.client_key?.value || "" });
        };
        const soon = () => { clearTimeout(timer); timer = setTimeout(keep, 250); };
        form.addEventListener("input", soon);
        form.addEventListener("change", soon);
        form.addEventListener("submit", keep);
        window.addEventListener("pagehide", keep);
        one("[data-start-empty]", form)?.addEventListener("click", () => {
            stopped = true;
            kept.remove(name);
            location.assign(location.pathname + location.search);
        });
    }
    async function fill(form, values) {
        write();
        one("[data-kept]", form)?.removeAttribute("hidden");
        const search = one("[name=q][hx-get]", form);
        if (!search?.value) return;
        try {
            const answer = await fetch(`${search.getAttribute("hx-get")}?q=${encodeURIComponent(search.value)}`, { redirect: "error" });
            if (!answer.ok) return;
            one(search.getAttribute("hx-target")).innerHTML = await answer.text();
            write();
            form.dispatchEvent(new Event("found"));
        } catch { /* the search is a button as well */ }

        function write() {
            for (const box of all("input[type=checkbox]", form)) box.checked = false;
            for (const [name, value] of values) {
                for (const field of all(`[name="${name}"]`, form)) {
                    if (field.type === "radio" || field.type === "checkbox") field.checked = field.value === value;
                    else if (field.type !== "file") field.value = value;
                }
            }
        }
    }

    // A case that is known keeps its way to answer, until another one is chosen here.
    function known() {
        const form = one(".desk-record");
        const before = form && one("input[name=kind][value=as_before]", form);
        if (!before) return;
        let ours = before.checked && !("bound" in form.dataset);
        const settle = () => {
            const isCase = one("input[name=into]:checked", form)?.value.startsWith("case:");
            if (isCase && !one("input[name=kind]:checked", form)) before.checked = ours = true;
            else if (!isCase && ours) before.checked = ours = false;
        };
        form.addEventListener("change", (event) => {
            if (event.target.name === "into") settle();
            if (event.target.name === "kind") ours = false;
        });
        form.addEventListener("found", settle);
        document.body.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target?.id === "people") settle(); });
    }

    function tab(composer, name) {
        for (const link of all("[data-tab]", composer)) {
            if (link.dataset.tab === name) link.setAttribute("aria-current", "true");
            else link.removeAttribute("aria-current");
        }
        for (const form of all("[data-write]", composer)) form.hidden = form.dataset.write !== name;
    }

    function compose() {
        const composer = one("[data-composer]");
        if (!composer) return;
        const page = one("[data-case]");
        drafts(composer, page.dataset.case);
        previews(composer);
        unfold(composer);
        for (const link of all("[data-tab]", composer)) {
            link.addEventListener("click", (event) => {
                event.preventDefault();
                tab(composer, link.dataset.tab);
                one(`[data-write="${link.dataset.tab}"] textarea`, composer).focus();
            });
        }
        // The button that was pressed is gone with its line: the keyboard goes on where it was.
        document.body.addEventListener("htmx:afterSwap", (event) => {
            if (event.detail.target?.id !== "way") return;
            const next = one("#why") || one("#sentence") || one("[data-write=answer] textarea");
            next?.focus();
        });
        toNewest();
    }

    // Narrow, it is folded until it is used. It never moves under a press, which would be lost.
    function unfold(composer) {
        let isPressed = false;
        const settle = () => {
            const isUsed = composer.contains(document.activeElement) || all("[data-files]", composer).some((field) => field.value);
            if (!isPressed) composer.toggleAttribute("data-used", isUsed);
        };
        const soon = () => setTimeout(settle); // a click comes right after its press
        document.addEventListener("pointerdown", () => { isPressed = true; }, true);
        for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => { isPressed = false; soon(); }, true);
        for (const change of ["focusin", "focusout", "change"]) composer.addEventListener(change, soon);
    }

    // What the way makes of the text, while it is written: only where it makes something else of it.
    function previews(composer) {
        const form = one("[data-write=answer]", composer), place = one("#preview", form);
        let timer;
        const soon = (wait) => {
            clearTimeout(timer);
            timer = setTimeout(() => {
                const isWanted = one("#way[data-preview]", form) && (form.elements.text.value.trim() || form.elements.files.value);
                if (isWanted) place.dispatchEvent(new Event("preview"));
                else place.replaceChildren();
            }, wait);
        };
        form.addEventListener("input", () => soon(400));
        // A look at another way takes its place until one writes on; the menu would move under it.
        form.addEventListener("click", (event) => {
            const menu = event.target.closest("[name=look]")?.closest("details");
            if (!menu) return;
            clearTimeout(timer);
            menu.open = false;
            one("summary", menu).focus();
        });
        document.addEventListener("live:after", (event) => { if (event.detail.old.id === "way") soon(400); });
        document.body.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target?.id === "way") soon(0); });
        if (form.elements.text.value.trim()) soon(0);
    }

    function toNewest() {
        const timeline = one("#timeline");
        if (!timeline || (location.hash && location.hash !== "#newest" && one(location.hash.replace(/[^#\w-]/g, "")))) return;
        timeline.scrollTop = timeline.scrollHeight;
        // Who reads the newest line goes on doing so when the composer grows.
        let height = timeline.clientHeight;
        new ResizeObserver(() => {
            if (timeline.scrollHeight - timeline.scrollTop - height < 40) timeline.scrollTop = timeline.scrollHeight;
            height = timeline.clientHeight;
        }).observe(timeline);
        if (location.hash === "#newest" && timeline.scrollHeight <= timeline.clientHeight + 1) {
            window.scrollTo(0, document.body.scrollHeight);
        }
    }

    // Two rules of the frame, for lists that no such page has, make the browser look at every element
    // again for each line that comes: 7 to 15 ms of a page with a thousand of them, 1 without.
    function lighten() {
        if (!one("[data-live]")) return;
        const walk = (place) => {
            for (let at = place.cssRules.length - 1; at >= 0; at -= 1) {
                const rule = place.cssRules[at];
                if (/(group|peer)-has-/.test(rule.selectorText ?? "")) place.deleteRule(at);
                else if (rule.cssRules?.length) walk(rule);
            }
        };
        for (const sheet of document.styleSheets) if (/\/unfold\//.test(sheet.href)) walk(sheet);
    }

    // On a small screen the tab that is open may lie beyond the edge.
    function showTab() {
        const tab = one(".desk-tab--active");
        const row = tab?.parentElement;
        if (row) row.scrollLeft = tab.offsetLeft - row.offsetLeft - 14;
    }

    // The door of a video call opens on a page that stays open.
    async function doors() {
        const due = document.hidden ? [] : [...document.querySelectorAll("[data-opens]")].filter((door) => Date.parse(door.dataset.opens) <= Date.now());
        if (!due.length) return;
        const answer = await fetch(location.href).catch(() => null);
        if (!answer?.ok) return;
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const door of due) {
            const there = fresh.getElementById(door.id);
            if (there) door.replaceWith(there); else door.removeAttribute("data-opens");
        }
    }

    function start() {
        setInterval(doors, 5000);
        menus(); weights(); toasts(); filters(); folds(); story(); printing(); sending(); files(); kinds(); compose(); keptForms(); known(); showTab();
        document.addEventListener("live:after", showTab);
        focusFirst();
        (window.requestIdleCallback ?? setTimeout)(lighten);
    }

    // Unfold hides the page until Alpine runs, and a browser gives no hidden field the focus.
    function focusFirst(tries = 20) {
        const wanted = one("[data-focus]") || one(".desk-main [autofocus]");
        if (!wanted || (document.activeElement && document.activeElement !== document.body)) return;
        wanted.focus();
        if (document.activeElement !== wanted && tries) setTimeout(() => focusFirst(tries - 1), 50);
    }
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
    else start();
})();
