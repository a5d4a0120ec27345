"use strict";
// The page's parts come as HTML that the server has escaped; the policy of the page runs no script but this one.
const main = document.querySelector("main");
const state = document.querySelector("#state");
const asOf = document.querySelector("#as-of");
const pause = document.querySelector("#pause");
const words = pause.dataset;
let waiting = null;
let source = null;

// What a reader has changed: a renewed part keeps it.
const OWN = new Set(["open"]);

function morph(old, made) {
  if (old.nodeType !== made.nodeType || old.nodeName !== made.nodeName) {
    old.replaceWith(made);
  } else if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== made.data) {
      old.data = made.data;
    }
  } else if (!old.isEqualNode(made)) {
    for (const { name } of [...old.attributes]) {
      if (!made.hasAttribute(name) && !OWN.has(name)) {
        old.removeAttribute(name);
      }
    }
    for (const { name, value } of made.attributes) {
      if (old.getAttribute(name) !== value && !OWN.has(name)) {
        old.setAttribute(name, value);
      }
    }
    fill(old, made);
  }
}

function fill(target, parts) {
  const made = [...parts.childNodes];
  const shown = [...target.childNodes];
  // Nodes are changed, not replaced: what is focused, open, scrolled or selected in them stays so.
  made.forEach((part, index) => {
    if (index < shown.length) {
      morph(shown[index], part);
    } else {
      target.append(part);
    }
  });
  shown.slice(made.length).forEach((part) => part.remove());
}

// Sections come and go as the log has more to show; one keeps its place and state by its heading.
function heading(part) {
  return part.querySelector("h2")?.textContent ?? null;
}

function fillSections(parts) {
  const known = new Map([...main.children].map((part) => [heading(part), part]));
  let place = main.firstElementChild;
  for (const part of [...parts.children]) {
    const name = heading(part);
    const old = name !== null ? known.get(name) : place !== null && heading(place) === null ? place : undefined;
    if (old === undefined) {
      main.insertBefore(part, place);
      continue;
    }
    known.delete(name);
    if (old !== place) {
      main.insertBefore(old, place);
    }
    place = old.nextElementSibling;
    morph(old, part);
  }
  while (place !== null) {
    const next = place.nextElementSibling;
    place.remove();
    place = next;
  }
}

function show(event) {
  const parts = document.createElement("template");
  parts.innerHTML = JSON.parse(event.data).html;
  fillSections(parts.content);
  asOf.textContent = `${words.asOf} ${new Date().toLocaleTimeString()}`;
  say("");
}

function say(text) {
  if (state.textContent !== text) {
    state.textContent = text;
  }
}

function isPaused() {
  return pause.getAttribute("aria-pressed") === "true";
}

function follow() {
  source = new EventSource(`/events${location.search}`);
  source.addEventListener("message", (event) => {
    if (isPaused()) {
      waiting = event;
    } else {
      show(event);
    }
  });
  source.addEventListener("error", () => {
    say(source.readyState === EventSource.CLOSED ? words.refused : words.lost);
  });
}

pause.hidden = false;
pause.addEventListener("click", () => {
  const stops = !isPaused();
  pause.setAttribute("aria-pressed", String(stops));
  pause.textContent = stops ? words.resume : words.pause;
  say(stops ? words.paused : "");
  if (!stops && waiting !== null) {
    show(waiting);
    waiting = null;
  }
});

// A page that nobody sees keeps no connection: a browser has six for one server.
document.addEventListener("visibilitychange", () => {
  source.close();
  if (!document.hidden) {
    follow();
  }
});
follow();
