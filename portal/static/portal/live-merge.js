/* Puts a fresh part of a page in place of the one that stands there: only what differs, so that
   nothing typed, opened, chosen or scrolled to moves. Used by live.js. */
"use strict";
(() => {
  // An old child for a fresh one: that of the same id, else the next one of the same sort.
  function partner(fresh, at, old) {
    if (fresh.id) {
      const same = [...old.children].find((child) => child.id === fresh.id);
      return same && same.nodeName === fresh.nodeName ? same : null;
    }
    return at && !at.id && at.nodeName === fresh.nodeName ? at : null;
  }

  // `goesOn`: the old child with which the fresh ones go on; what stands above it stays as it is.
  function merge(old, fresh, goesOn = null) {
    const ids = new Set([...fresh.children].map((child) => child.id).filter(Boolean));
    let at = goesOn?.parentElement === old ? goesOn : old.firstChild;
    for (const child of [...fresh.childNodes]) {
      const match = partner(child, at, old);
      while (match && at && at !== match && !ids.has(at.id)) at = drop(at);
      if (!match) old.insertBefore(document.importNode(child, true), at);
      else if (match === at) { at = at.nextSibling; settle(match, child, goesOn); }
      else { old.insertBefore(match, at); settle(match, child, goesOn); }
    }
    while (at) at = drop(at);
  }
  function drop(node) {
    const next = node.nextSibling;
    node.remove();
    return next;
  }

  const TYPED = "textarea, select, input:not([type=hidden])";
  function settle(old, fresh, goesOn) {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeType !== Node.ELEMENT_NODE) { old.nodeValue = fresh.nodeValue; return; }
    if (old.matches("[data-live-keep]") || (old.matches(TYPED) && !isUntouched(old))) return;
    const keeps = kept(old);
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && !keeps.includes(name)) old.removeAttribute(name);
    }
    attributes(old, fresh, keeps);
    merge(old, fresh, goesOn);
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
    // Who hears of it may say where the fresh part goes on.
    const detail = { old, fresh: part, goesOn: null };
    if (!document.dispatchEvent(new CustomEvent("live:before", { cancelable: true, detail }))) return;
    attributes(old, part, [...kept(old), ...(part.className ? [] : ["class"])]);
    merge(old, part, detail.goesOn);
    window.htmx?.process(old);
    document.dispatchEvent(new CustomEvent("live:after", { detail: { old } }));
  }

  // Where fresh lines go on: the first of them that is there already, as it is and as it comes.
  function joint(fresh) {
    const line = fresh.querySelector("[id^=m]");
    const old = line && document.getElementById(line.id);
    return old && document.getElementById(fresh.id)?.contains(old) ? { line, old } : null;
  }

  window.OnecaseMerge = { put, joint };
})();
