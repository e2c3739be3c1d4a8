// The administrators' pages: comforts only; every form works without this file.
(() => {
    "use strict";
    const all = (selector, root = document) => [...root.querySelectorAll(selector)];

    // --- weekly hours -----------------------------------------------------------------------
    const WEEKDAYS = ["tue", "wed", "thu", "fri"];

    function weeklyHours(week) {
        const times = (day) => all(`[data-day="${day}"] input`, week);
        all("[data-copy-monday], [data-clear-day]", week).forEach((button) => { button.hidden = false; });
        week.addEventListener("click", (event) => {
            if (event.target.closest("[data-copy-monday]")) {
                const monday = times("mon").map((input) => input.value);
                WEEKDAYS.forEach((day) => times(day).forEach((input, at) => { input.value = monday[at]; }));
            }
            const clear = event.target.closest("[data-clear-day]");
            if (clear) all("input", clear.closest("[data-day]")).forEach((input) => { input.value = ""; });
        });
    }

    // --- the organisation's preview -----------------------------------------------------------
    const isColour = (text) => /^#[0-9a-f]{6}$/i.test(text);

    function contrastWithWhite(colour) {
        const part = (at) => {
            const value = parseInt(colour.slice(at, at + 2), 16) / 255;
            return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
        };
        return 1.05 / (0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5) + 0.05);
    }

    function organisation(form) {
        const field = (name) => form.elements[name];
        const shown = (name) => document.querySelector(`[data-preview-${name}]`);
        const page = document.querySelector("[data-preview]");
        const picker = form.querySelector("[data-colour-picker]");
        const verdict = form.querySelector("[data-contrast]");
        const language = document.documentElement.lang;

        function welcome() {
            const areas = all("[name^=welcome_]", form);
            const own = areas.find((area) => area.lang === language);
            const filled = own && own.value ? own : areas.find((area) => area.value);
            return filled ? filled.value : "";
        }

        function paint(colour) {
            if (!isColour(colour)) return;
            page.style.setProperty("--brand", colour);
            picker.value = colour.toLowerCase();
            const good = contrastWithWhite(colour) >= 4.5;
            verdict.textContent = good ? verdict.dataset.good : verdict.dataset.bad;
            verdict.classList.toggle("adm-contrast--good", good);
            verdict.classList.toggle("adm-contrast--bad", !good);
        }

        function refresh() {
            const logo = shown("logo");
            const removed = field("remove_logo") && field("remove_logo").checked;
            logo.hidden = !logo.getAttribute("src") || Boolean(removed);
            shown("name").hidden = !logo.hidden;
            shown("name").textContent = field("name").value;
            shown("phone").textContent = field("phone").value;
            shown("phone").parentElement.hidden = !field("phone").value;
            shown("privacy").hidden = !field("privacy_url").value;
            shown("welcome").textContent = welcome();
            paint(field("brand_colour").value.trim());
        }

        function newLogo() {
            const file = field("logo").files[0];
            if (!file || file.size > 1024 * 1024) return;
            const reader = new FileReader();
            reader.addEventListener("load", () => {
                shown("logo").src = reader.result;
                refresh();
            });
            reader.readAsDataURL(file);
        }

        function take(colour) {
            field("brand_colour").value = colour;
            refresh();
        }

        picker.hidden = false;
        picker.addEventListener("input", () => take(picker.value));
        all("[data-take-colour]", form).forEach((button) => {
            button.hidden = false;
            button.addEventListener("click", () => take(button.dataset.takeColour));
        });
        field("logo").addEventListener("change", newLogo);
        form.addEventListener("input", refresh);
        paint(page.dataset.brand);
        refresh();
    }

    // --- copy -------------------------------------------------------------------------------
    function copies(button) {
        const source = document.getElementById(button.dataset.copyText);
        button.hidden = false;
        button.addEventListener("click", async () => {
            try {
                await navigator.clipboard.writeText(source.textContent);
                button.querySelector("span").textContent = button.dataset.done;
            } catch {
                getSelection().selectAllChildren(source); // no clipboard without https
            }
        });
    }

    // --- everywhere ---------------------------------------------------------------------------
    document.addEventListener("submit", (event) => {
        const button = event.target.querySelector("[data-busy]");
        if (!button) return;
        button.textContent = button.dataset.busy;
        button.disabled = true;
    });
    all("[data-copy-text]").forEach(copies);
    all("[data-week]").forEach(weeklyHours);
    all("[data-organisation]").forEach(organisation);
    const errors = document.querySelector("[data-errors]");
    if (errors) errors.focus();
})();
