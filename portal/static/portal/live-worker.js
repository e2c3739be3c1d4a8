/* One for all tabs and frames of this browser: it holds the one line for those that are visible. */
"use strict";

importScripts(new URL(self.location).searchParams.get("line"));

const GONE = 25000; // a page that is looked at says so every ten seconds
const GONE_HIDDEN = 150000; // a hidden one is let do so once a minute
const pages = new Map(); // port -> { wants, at }

const line = new LiveLine((kind, data) => {
  for (const [port, page] of pages) {
    if (page.visible) port.postMessage({ kind, ...data });
  }
});

function settle(anew = new Set()) {
  const wants = new Map();
  const marks = new Map();
  const seen = new Set();
  let url = "";
  for (const page of pages.values()) {
    if (!page.visible) continue;
    url = page.url;
    for (const [key, since, mark] of page.wants) {
      wants.set(key, Math.min(since, wants.get(key) ?? since));
      if (!page.hidden) seen.add(key);
      if (mark && anew.has(key)) marks.set(key, mark);
    }
  }
  line.want(url, wants, anew, marks, new Set([...wants.keys()].filter((key) => !seen.has(key))));
}

self.onconnect = (event) => {
  const port = event.ports[0];
  port.onmessage = ({ data }) => {
    if (data.kind === "gone") pages.delete(port);
    else pages.set(port, { ...pages.get(port), ...data, at: Date.now() });
    if (data.kind !== "here") settle(new Set(data.fresh ? data.wants.map(([key]) => key) : []));
  };
  port.start();
};

setInterval(() => {
  const now = Date.now();
  let lost = false;
  for (const [port, page] of pages) {
    if (page.visible && now - page.at > (page.hidden ? GONE_HIDDEN : GONE)) lost = pages.delete(port);
  }
  if (lost) settle();
}, 5000);
