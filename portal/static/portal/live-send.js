/* A form with data-live-send is sent without leaving its page: what is new comes with the answer.
   Whatever else the server says (an error, a sign-in, nothing), the form goes the usual way, with
   the same key. Who listens for "live:sent" hears of it, with the answer as a document. */
"use strict";
(() => {
  // Where what is new goes; nothing where the form goes the usual way.
  function placeFor(form, event) {
    if (event.defaultPrevented || event.submitter?.hasAttribute("formaction")) return null;
    // Another way than the customer's is for one answer: the whole page goes back to theirs.
    if (!form.matches("[data-live-send]") || form.elements.kind?.value) return null;
    return window.OnecaseLive.history();
  }

  async function send(form, place) {
    const to = new URL(form.action);
    to.searchParams.set("have", place.element.dataset.have);
    const headers = { "X-Requested-With": "fetch" };
    const answer = await fetch(to, { method: "POST", body: new FormData(form), headers, redirect: "manual" });
    if (answer.status !== 201) return false;
    const detail = await window.OnecaseLive.read(answer);
    clear(form, answer.headers.get("X-Next-Key"));
    await place.take(detail, true);
    form.dispatchEvent(new CustomEvent("live:sent", { bubbles: true, detail }));
    return true;
  }

  // Empty for the next one: what stood in it was sent.
  function clear(form, key) {
    form.elements.text.defaultValue = "";
    form.reset();
    form.elements.client_key.value = key;
    for (const file of form.querySelectorAll("input[type=file]")) file.dispatchEvent(new Event("change", { bubbles: true }));
    form.elements.text.dispatchEvent(new Event("input", { bubbles: true }));
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const place = placeFor(form, event);
    if (!place) return;
    event.preventDefault();
    if (place.busy === form) return;
    await place.while(form, async () => {
      let done = false;
      try { done = await send(form, place); } catch { /* the browser's own page says that the server is away */ }
      if (!done) form.submit();
    });
  });
})();
