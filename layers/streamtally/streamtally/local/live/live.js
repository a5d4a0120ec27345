"use strict";
// The page's parts come as HTML that the server has escaped; the policy of the page runs no script but this one.
const main = document.querySelector("main");
const state = document.querySelector("#state");
const pause = document.querySelector("#pause");
const sources = new WeakMap();
let waiting = null;

function fill(target, html) {
  const parts = document.createElement("template");
  parts.innerHTML = html;
  const made = [...parts.content.children];
  const shown = [...target.children];
  // A part that has not changed stays: what is open, scrolled or focused in it stays so.
  made.forEach((part, index) => {
    const old = shown[index];
    if (old === undefined) {
      sources.set(part, part.outerHTML);
      target.append(part);
    } else if (sources.get(old) !== part.outerHTML) {
      const opened = [...old.querySelectorAll("details")].map((one) => one.open);
      const scrolled = [...old.querySelectorAll(".scroll")].map((one) => one.scrollTop);
      const source = part.outerHTML;
      part.querySelectorAll("details").forEach((one, place) => { one.open = opened[place] ?? false; });
      old.replaceWith(part);
      part.querySelectorAll(".scroll").forEach((one, place) => { one.scrollTop = scrolled[place] ?? 0; });
      sources.set(part, source);
    }
  });
  shown.slice(made.length).forEach((part) => part.remove());
}

function show(event) {
  fill(main, JSON.parse(event.data).html);
  state.textContent = `as of ${new Date().toLocaleTimeString()}`;
}

pause.hidden = false;
pause.addEventListener("click", () => {
  const stops = pause.getAttribute("aria-pressed") !== "true";
  pause.setAttribute("aria-pressed", String(stops));
  pause.textContent = stops ? "Go on" : "Pause";
  if (stops) {
    state.textContent = "paused";
  } else if (waiting !== null) {
    show(waiting);
    waiting = null;
  }
});

const source = new EventSource(`/events${location.search}`);
source.addEventListener("message", (event) => {
  if (pause.getAttribute("aria-pressed") === "true") {
    waiting = event;
  } else {
    show(event);
  }
});
source.addEventListener("error", () => { state.textContent = "not connected; trying again"; });
