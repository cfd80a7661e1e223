// Keeps the part of the page marked data-live up to date while the page is seen. The page works without it.
"use strict";

const live = document.querySelector("[data-live]");
const updates = document.getElementById("updates");
let source = null;
let stopped = false; // by the user

/** Ms until the next try after a refusal: a proxy may have no server for a moment, or a session may have ended. */
const REFUSED = 10000;

/** What makes two nodes the same one: their name and id, or the key that the template gives to what may move. */
function key(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return node.nodeName;
  // Not node.id: of a form, that is its field of the name "id".
  return `${node.nodeName} ${node.getAttribute("id") || node.getAttribute("data-key") || ""}`;
}

/** Change `old` into `fresh`, touching only what differs: focus, ticks, texts and scroll positions stay. */
function morph(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  const own = old.nodeName === "DETAILS" ? ["open"] : []; // what the user has changed stays
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !own.includes(name)) old.removeAttribute(name);
  }
  for (const { name, value } of [...fresh.attributes]) {
    if (old.getAttribute(name) !== value && !own.includes(name)) old.setAttribute(name, value);
  }
  morphChildren(old, fresh);
}

function morphChildren(old, fresh) {
  const wanted = [...fresh.childNodes];
  const keys = new Set(wanted.map(key));
  // First, so that what follows need not move: an element that moves loses the focus.
  for (const child of [...old.childNodes]) if (!keys.has(key(child))) child.remove();
  wanted.forEach((child, index) => {
    const following = [...old.childNodes].slice(index);
    const same = following.find((other) => key(other) === key(child));
    if (!same) {
      old.insertBefore(child, following[0] || null);
      return;
    }
    if (same !== following[0]) old.insertBefore(same, following[0]);
    morph(same, child);
  });
  while (old.childNodes.length > wanted.length) old.lastChild.remove();
}

function show(html) {
  // A template keeps the white space before the first element, which a document drops: morph compares by position.
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  const copy = live.cloneNode(false);
  copy.append(fresh.content);
  morph(live, copy);
  tell("");
}

/** Show why the page is not up to date; nothing if it is. */
function tell(trouble) {
  let line = document.getElementById("lost");
  if (!trouble) {
    line?.remove();
    return;
  }
  if (!line) {
    line = document.createElement("p");
    line.id = "lost";
    line.className = "lost";
    line.setAttribute("role", "alert");
    live.before(line);
  }
  if (line.textContent !== trouble) line.textContent = trouble;
}

function connect() {
  if (source || stopped || document.hidden) return;
  const address = new URL(location.href);
  address.searchParams.set("live", "");
  source = new EventSource(address);
  source.addEventListener("update", (event) => show(event.data));
  source.addEventListener("trouble", (event) => tell(`${event.data}. The page shows older data.`));
  source.addEventListener("gone", (event) => {
    tell(event.data);
    disconnect();
    stopped = true;
    label();
  });
  source.onerror = () => {
    const ended = source && source.readyState === EventSource.CLOSED;
    const trouble = ended ? "The server refuses updates" : "The server does not answer";
    tell(`${trouble}. The page shows older data.${ended ? " Reload it if this lasts." : ""}`);
    if (!ended) return; // the browser tries again by itself
    disconnect();
    setTimeout(connect, REFUSED);
  };
}

function disconnect() {
  source?.close();
  source = null;
}

const button = document.createElement("button");
const state = document.createElement("span");

function label() {
  state.textContent = stopped ? "Not updated" : "Updated every 2 s";
  button.textContent = stopped ? "Update again" : "Stop updating";
}

if (live) {
  live.addEventListener("change", ({ target }) => {
    if (!target.matches("[data-all]")) return;
    for (const box of target.form.querySelectorAll("[name=id]")) box.checked = target.checked;
  });
  button.type = "button";
  button.addEventListener("click", () => {
    stopped = !stopped;
    if (stopped) disconnect();
    else connect();
    label();
  });
  updates.append(state, button);
  updates.hidden = false;
  label();
  document.documentElement.dataset.script = "on";
  document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", connect);
  connect();
}
