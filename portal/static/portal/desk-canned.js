// Canned answers: `/` at the beginning or after a blank opens a list at the answer; arrows, Enter, touch.
(() => {
    "use strict";
    const one = (selector, root = document) => root.querySelector(selector);
    const all = (selector, root = document) => [...root.querySelectorAll(selector)];
    const ASKED = /(^|\s)\/([\p{L}\p{N}_-]*)$/u;

    function start() {
        const place = one("[data-canned]");
        if (!place) return;
        const text = one("textarea", place), list = one("#canned", place), status = one("[data-canned-status]", place);
        let loading = null, closed = -1; // where a list was closed by hand: it stays so

        // What stands between the `/` and the caret; null where nothing is asked for.
        function asked() {
            if (text.selectionStart !== text.selectionEnd) return null;
            const found = text.value.slice(0, text.selectionStart).match(ASKED);
            return found && { word: found[2].toLowerCase(), from: text.selectionStart - found[2].length - 1 };
        }

        async function load() {
            loading ??= fetch(place.dataset.canned, { redirect: "error" }).then(async (answer) => {
                if (!answer.ok) throw new Error(answer.status);
                const page = new DOMParser().parseFromString(await answer.text(), "text/html");
                list.replaceChildren(...all("[role=option]", page).map((option) => document.importNode(option, true)));
            });
            try { await loading; } catch { loading = null; } // the next `/` asks again
        }

        async function look() {
            const found = asked();
            if (!found) closed = -1;
            if (!found || found.from === closed) return close();
            await load();
            filter(asked());
        }

        // By the word first, then by what stands in the text.
        function filter(found) {
            if (!found) return close();
            const rank = (option) => {
                const { word, text: whole } = option.dataset;
                if (word.startsWith(found.word)) return 0;
                if (word.includes(found.word)) return 1;
                return whole.toLowerCase().includes(found.word) ? 2 : 3;
            };
            const options = all("[role=option]", list);
            options.forEach((option, place) => { option.dataset.place ??= place; option.hidden = rank(option) === 3; });
            options.sort((a, b) => rank(a) - rank(b) || a.dataset.place - b.dataset.place);
            list.append(...options);
            const shown = options.filter((option) => !option.hidden);
            if (!shown.length) return close();
            list.hidden = false;
            choose(shown[0]);
            say(shown.length);
        }
        const shown = () => all("[role=option]:not([hidden])", list);
        function say(count) {
            const { none, one: single, many } = place.dataset;
            status.textContent = count ? (count === 1 ? single : many.replace("{n}", count)) : none;
        }

        function choose(option) {
            for (const other of all("[aria-selected=true]", list)) other.setAttribute("aria-selected", "false");
            option.setAttribute("aria-selected", "true");
            text.setAttribute("aria-activedescendant", option.id);
            option.scrollIntoView({ block: "nearest" });
        }

        function close() {
            list.hidden = true;
            text.removeAttribute("aria-activedescendant");
            if (status.textContent) status.textContent = "";
        }

        function put(option) {
            const found = asked();
            close();
            text.focus();
            if (found) text.setSelectionRange(found.from, text.selectionStart);
            // So that Ctrl+Z takes it back; where that is not there, it is put in all the same.
            if (!document.execCommand("insertText", false, option.dataset.text)) {
                text.setRangeText(option.dataset.text, text.selectionStart, text.selectionEnd, "end");
                text.dispatchEvent(new Event("input", { bubbles: true }));
            }
            close();
        }

        text.addEventListener("input", look);
        text.addEventListener("click", look);
        text.addEventListener("blur", close);
        text.addEventListener("keydown", (event) => {
            if (list.hidden || event.isComposing) return;
            const options = shown(), at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
            const go = { ArrowDown: 1, ArrowUp: -1 }[event.key];
            if (go) choose(options[(at + go + options.length) % options.length]);
            else if ((event.key === "Enter" || event.key === "Tab") && !event.ctrlKey && !event.metaKey && !event.shiftKey) put(options[at]);
            else if (event.key === "Escape") { closed = asked()?.from ?? -1; close(); }
            else return;
            event.preventDefault();
            event.stopPropagation();
        });
        // Pressed, not yet let go: the answer keeps the focus, and a finger may still scroll.
        list.addEventListener("mousedown", (event) => event.preventDefault());
        list.addEventListener("click", (event) => {
            const option = event.target.closest("[role=option]");
            if (option) put(option);
        });

        const button = one("[data-canned-open]");
        button.hidden = false;
        button.addEventListener("mousedown", (event) => event.preventDefault());
        button.addEventListener("click", async () => {
            text.focus();
            const before = text.value.slice(0, text.selectionStart);
            await load();
            if (!list.children.length) { say(0); button.title = place.dataset.none; return; }
            closed = -1;
            if (!asked()) document.execCommand("insertText", false, /(^|\s)$/.test(before) ? "/" : " /");
            look();
        });
    }
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
    else start();
})();
