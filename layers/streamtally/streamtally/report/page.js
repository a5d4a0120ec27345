// @ts-check
/*
 * Lets the report follow a selection: a span of time that is brushed on the chart over time, and classes of status.
 *
 * All numbers come from the page's block of counts by step of time and class. Texts of the log are in the page already;
 * rows of tables are moved, shown and hidden, and nothing is ever read as markup.
 */
"use strict";
(() => {
  /** @typedef {{step: number, kind: number, count: number}} Cell */
  /** @typedef {{cells: number[][], totals: number[], missing: number[], isWhole: boolean, errors?: boolean}} List */
  /**
   * @typedef {object} Data
   * @property {number} start ms since the epoch
   * @property {number} step ms
   * @property {string[]} classes
   * @property {number[]} rows cells: the first one's number, then differences, each followed by a count
   * @property {number[]} bytes
   * @property {number[]} hours
   * @property {[number, number[]][]} times cell → response times in µs, as differences, each followed by rows
   * @property {Record<string, List>} lists
   * @property {number} shown rows of a list
   * @property {Record<string, string>} texts
   */
  const block = document.getElementById("counts");
  const first = document.querySelector('[data-follows="status"]');
  const firstChart = first?.querySelector(".chart");
  if (!block || !first || !firstChart) return;
  /** @type {Data} */
  const data = JSON.parse(block.textContent ?? "");
  const { texts } = data;
  const SHIFT = 10; // steps of an arrow key with shift
  const MOVED = 4; // px: less is a click
  const HOUR = 3_600_000; // ms
  const UNITS = 1000; // the plot's height in its own units

  /** @type {(tag: string, name?: string, text?: string) => HTMLElement} */
  const make = (tag, name = "", text = "") => Object.assign(document.createElement(tag), { className: name, textContent: text });
  /** @type {(flat: number[], width?: number) => Cell[]} */
  const decode = (flat, width = data.classes.length) => {
    const cells = [];
    for (let index = 0, number = 0; index < flat.length; index += 2) {
      number += flat[index];
      cells.push({ step: Math.floor(number / width), kind: number % width, count: flat[index + 1] });
    }
    return cells;
  };
  const rows = decode(data.rows);
  const bytes = decode(data.bytes);
  const hours = decode(data.hours);
  const times = data.times.map(([cell, flat]) => ({ ...decode([cell, 0])[0], counts: decode(flat, 1) }));
  const end = Math.max(...rows.map((cell) => cell.step)) + 1;
  const chosen = { from: 0, to: end, kinds: /** @type {Set<string>} */ (new Set()) };

  const isSelected = () => chosen.from > 0 || chosen.to < end || chosen.kinds.size > 0;
  /** @type {(cell: {step: number, kind: number}) => boolean} */
  const isIn = ({ step, kind }) => step >= chosen.from && step < chosen.to && isKind(kind);
  /** @type {(kind: number) => boolean} */
  const isKind = (kind) => !chosen.kinds.size || chosen.kinds.has(data.classes[kind]);
  /** @type {(cells: Cell[]) => number} */
  const sum = (cells) => cells.reduce((total, cell) => total + (isIn(cell) ? cell.count : 0), 0);

  // Numbers and texts, as the page itself writes them.
  /** @type {(count: number) => string} */
  const number = (count) => count.toLocaleString("en-US");
  /** @type {(value: number) => string} */
  const threeDigits = (value) => {
    const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return number(Number(value.toFixed(digits)));
  };
  /** @type {(size: number) => string} */
  const sizeText = (size) => {
    const units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let unit = 0;
    for (; size >= 999.5 && unit < units.length - 1; unit += 1) size /= 1000;
    return unit ? `${threeDigits(size)} ${units[unit]}` : `${number(size)} B`;
  };
  /** @type {(time: number) => string} */
  const timeText = (time) => {
    if (!time) return "0 s";
    const [length, unit] = time >= 1e6 ? [1e6, "s"] : time >= 1000 ? [1000, "ms"] : [1, "µs"];
    return `${threeDigits(time / Number(length))} ${unit}`;
  };
  /** @type {(ms: number) => string} */
  const label = (ms) => new Date(ms).toISOString().slice(0, 16).replace("T", " ");
  /** @type {(step: number) => number} */
  const at = (step) => data.start + step * data.step;
  /** @type {(share: number) => string} */
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  /** @type {(key: string, values?: Record<string, string>) => string} */
  const say = (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

  // What the page showed first comes back when the selection is cleared.
  /** @type {Map<Element, Map<string, string | null>>} */
  const before = new Map();
  /** @type {(element: Element | null | undefined, name: string, value: string | null) => void} */
  const set = (element, name, value) => {
    if (!element) return;
    const known = before.get(element) ?? new Map();
    before.set(element, known);
    if (!known.has(name)) known.set(name, name ? element.getAttribute(name) : element.textContent);
    const next = isSelected() ? value : known.get(name);
    if (!name) element.textContent = next;
    else if (next === null) element.removeAttribute(name);
    else element.setAttribute(name, next);
  };
  /** @type {(element: Element | null | undefined, text: string) => void} */
  const write = (element, text) => set(element, "", text);

  /**
   * A table whose body is made of the selection while there is one.
   * @type {(section: Element, made: () => string[][]) => void}
   */
  const remake = (section, made) => {
    const table = section.querySelector("table");
    const body = table?.tBodies[0];
    if (!table || !body) return;
    if (!bodies.has(section)) bodies.set(section, body);
    const fresh = make("tbody");
    for (const cells of isSelected() ? made() : []) {
      const row = make("tr");
      row.append(...cells.map((text, index) => make("td", index ? "number" : "text", text)));
      fresh.append(row);
    }
    body.replaceWith(isSelected() ? fresh : bodies.get(section) ?? body);
  };
  /** @type {Map<Element, Element>} */
  const bodies = new Map();

  /** A chart's own steps. @type {(chart: Element) => {start: number, step: number, slots: number, top: number}} */
  const areaOf = (chart) => {
    const { start, step, slots, top } = /** @type {SVGElement} */ (chart).dataset;
    return { start: Number(start), step: Number(step), slots: Number(slots), top: Number(top) };
  };
  /** Where a step begins on a chart, from 0 to 1. @type {(chart: Element, step: number) => number} */
  const share = (chart, step) => {
    const area = areaOf(chart);
    return Math.min(Math.max((at(step) - area.start) / (area.step * area.slots), 0), 1);
  };
  /** The texts of charts' axes as they were. @type {Map<Element, string>} */
  const axes = new Map();
  /** Fits a chart's axis to the greatest value that it shows. @type {(chart: Element, greatest: number, show: (value: number) => string) => void} */
  const fit = (chart, greatest, show) => {
    const area = /** @type {SVGElement} */ (chart).dataset;
    area.whole ??= area.top;
    let power = 1;
    while (greatest > 10 * power) power *= 10;
    const end = [2, 4, 6, 8, 10].map((factor) => factor * power).find((value) => value >= greatest) ?? 10 * power;
    area.top = chosen.kinds.size && greatest ? String(end) : area.whole;
    chart.querySelectorAll(":scope > text:not([x])").forEach((number, half) => {
      if (!axes.has(number)) axes.set(number, number.textContent ?? "");
      write(number, area.top === area.whole ? axes.get(number) ?? "" : show((end * (half + 1)) / 2));
    });
  };
  /**
   * Draws a value for each step in place of what a shape showed.
   * @type {(chart: Element, shape: Element, values: Map<number, number>, isBar: boolean) => void}
   */
  const draw = (chart, shape, values, isBar) => {
    const area = areaOf(chart);
    const width = data.step / area.step;
    const parts = [...values].map(([step, value]) => {
      const x = (at(step) - area.start) / area.step;
      const y = UNITS - Math.round(UNITS * Math.min(value / area.top, 1));
      return isBar ? `M${x} ${y}h${width}V${UNITS}h${-width}z` : `M${x} ${y}h${width}`;
    });
    set(shape, "d", chosen.kinds.size ? parts.join("") : before.get(shape)?.get("d") ?? shape.getAttribute("d"));
  };
  /** @type {(section: Element, key: string) => void} */
  const describe = (section, key) => {
    const words = say(key);
    write(section.querySelector("p.soft:last-of-type"), words);
    write(section.querySelector("caption"), words);
    const chart = section.querySelector(".chart");
    chart?.classList.toggle("quiet", isSelected() && chosen.kinds.size > 0);
    if (chosen.kinds.size || !isSelected()) set(chart, "aria-label", words);
  };
  /** @type {(cells: Cell[], stepOf?: (cell: Cell) => number) => Map<number, number>} */
  const byStep = (cells, stepOf = (cell) => cell.step) => {
    const values = new Map();
    for (const cell of cells.filter(isIn)) values.set(stepOf(cell), (values.get(stepOf(cell)) ?? 0) + cell.count);
    return values;
  };
  /** p50, p90 and p99 by nearest rank. @type {(counts: Cell[]) => {rows: number, ranks: number[]}} */
  const percentiles = (counts) => {
    /** @type {Map<number, number>} */
    const merged = new Map();
    for (const { step, count } of counts) merged.set(step, (merged.get(step) ?? 0) + count);
    const ordered = [...merged].sort((one, other) => one[0] - other[0]);
    const total = ordered.reduce((all, [, count]) => all + count, 0);
    let below = 0;
    let index = -1;
    const ranks = [50, 90, 99].map((rank) => {
      while (below < Math.ceil((rank * total) / 100)) below += ordered[(index += 1)][1];
      return index < 0 ? 0 : ordered[index][0];
    });
    return { rows: total, ranks };
  };

  // How each kind of section follows.
  /** @type {Record<string, (section: Element, name: string) => void>} */
  const follow = {
    status(section) {
      for (const button of section.querySelectorAll(".legend button")) {
        button.setAttribute("aria-pressed", String(chosen.kinds.has(/** @type {HTMLElement} */ (button).dataset.class ?? "")));
      }
      section.querySelectorAll("path").forEach((shape, kind) => shape.classList.toggle("off", !isKind(kind)));
      const table = section.querySelector("table");
      for (const row of table?.rows ?? []) {
        data.classes.forEach((_, kind) => { row.cells[kind + 1].hidden = !isKind(kind); });
        const start = Date.parse(`${row.cells[0].textContent?.replace(" ", "T")}Z`);
        row.hidden = start < at(chosen.from) || start >= at(chosen.to);
      }
    },
    bytes(section) {
      const chart = section.querySelector(".chart");
      const shape = chart?.querySelector("path");
      const values = byStep(bytes);
      const steps = [...values].sort(([one], [other]) => one - other);
      if (chart && shape) {
        fit(chart, Math.max(0, ...values.values()), sizeText);
        draw(chart, shape, values, true);
      }
      remake(section, () => steps.map(([step, size]) => [label(at(step)), sizeText(size), number(size)]));
      describe(section, "bytes");
    },
    times(section) {
      const chart = section.querySelector(".chart");
      if (!chart) return;
      /** @type {Map<number, Cell[]>} */
      const steps = new Map();
      for (const cell of times.filter(isIn)) steps.set(cell.step, [...(steps.get(cell.step) ?? []), ...cell.counts]);
      const found = [...steps].sort(([one], [other]) => one - other).map(([step, counts]) => ({ step, ...percentiles(counts) }));
      fit(chart, Math.max(0, ...found.map(({ ranks }) => ranks[2])), timeText);
      chart.querySelectorAll("path.curve").forEach((shape, index) => {
        draw(chart, shape, new Map(found.map(({ step, ranks }) => [step, ranks[index]])), false);
      });
      remake(section, () => found.map(({ step, rows: count, ranks }) => [label(at(step)), number(count), ...ranks.map(timeText)]));
      describe(section, "times");
    },
    hours(section) {
      const isFine = data.step <= HOUR; // a step is then in one hour, otherwise it is whole hours
      if (!isFine && !hours.length) {
        mark(section);
        return;
      }
      const grid = Array.from({ length: 7 }, () => new Array(24).fill(0));
      for (const { step, kind, count } of isFine ? rows : hours) {
        const hour = Math.floor((isFine ? at(step) : data.start + step * HOUR) / HOUR);
        if (!isIn({ step: isFine ? step : Math.floor((hour * HOUR - data.start) / data.step), kind })) continue;
        grid[(Math.floor(hour / 24) + 3) % 7][hour % 24] += count; // 1970-01-01 was a Thursday
      }
      const greatest = Math.max(...grid.flat(), 1);
      section.querySelectorAll("rect").forEach((shape, index) => {
        const count = grid[Math.floor(index / 24)][index % 24];
        set(shape, "fill-opacity", String(count ? 0.1 + (0.9 * count) / greatest : 0.03));
        const title = shape.querySelector("title");
        write(title, `${(title?.textContent ?? "").slice(0, -(title?.textContent ?? "").split(": ").slice(-1)[0].length)}${number(count)}`);
      });
      const body = section.querySelector("table")?.tBodies[0];
      [...(body?.rows ?? [])].forEach((row, hour) => {
        grid.forEach((day, index) => write(row.cells[index + 1], number(day[hour])));
      });
      write(section.querySelector("p.soft"), say("hours"));
    },
    list(section, name) {
      const list = data.lists[name];
      const body = section.querySelector("tbody");
      if (!list || !body) {
        mark(section);
        return;
      }
      if (!listed.has(name)) {
        const entries = [...body.rows].map((row, index) => ({ row, isHidden: row.hidden, cells: decode(list.cells[index]), missing: list.missing[index] }));
        listed.set(name, { entries, totals: decode(list.totals) });
      }
      const { entries, totals } = listed.get(name) ?? { entries: [], totals: [] };
      const total = sum(totals);
      const counted = entries.map((entry) => ({ ...entry, count: sum(entry.cells) }));
      if (isSelected()) counted.sort((one, other) => other.count - one.count);
      const greatest = counted[0]?.count ?? 0;
      counted.forEach(({ row, isHidden, count }, place) => {
        row.hidden = isSelected() ? place >= data.shown || !count : isHidden;
        set(row.querySelector(".bar rect"), "width", percent(greatest ? count / greatest : 0).replace(" ", ""));
        const shownTexts = [number(count), percent(count / Math.max(total, 1))];
        if (row.cells.length > 3) shownTexts.unshift(sizeText(count));
        shownTexts.forEach((text, index) => write(row.cells[index + 1], text));
      });
      body.append(...counted.map(({ row }) => row));
      const missing = Math.max(0, ...counted.filter(({ row }) => !row.hidden).map((entry) => entry.missing));
      const words = [say(list.isWhole ? "exact" : "some", { count: number(entries.length) })];
      if (missing) words.push(say("missing", { count: isSize(name) ? sizeText(missing) : number(missing) }));
      if (!greatest) words.push(say("empty"));
      write(section.querySelector("p.soft"), words.join(" "));
      const heading = section.querySelector("h2")?.textContent ?? "";
      write(section.querySelector("caption"), say("caption", { heading, total: isSize(name) ? sizeText(total) : say("rows", { count: number(total) }) }));
    },
  };
  /** @type {(name: string) => boolean} */
  const isSize = (name) => name === "path_bytes";
  /** @type {Map<string, {entries: {row: HTMLTableRowElement, isHidden: boolean, cells: Cell[], missing: number}[], totals: Cell[]}>} */
  const listed = new Map();
  /** Says that a section shows the whole log. @type {(section: Element) => void} */
  const mark = (section) => {
    let words = section.querySelector("p.whole");
    if (!words) {
      words = make("p", "soft whole", say("whole"));
      section.querySelector("h2")?.after(words);
    }
    /** @type {HTMLElement} */ (words).hidden = !isSelected();
  };

  const tiles = () => {
    const overall = percentiles(times.filter(isIn).flatMap((cell) => cell.counts));
    /** @type {Record<string, string>} */
    const shownTiles = { rows: number(sum(rows)), bytes: sizeText(sum(bytes)) };
    if (times.length) Object.assign(shownTiles, { p50: timeText(overall.ranks[0]), p99: timeText(overall.ranks[2]) });
    for (const tile of document.querySelectorAll("[data-tile]")) {
      const text = shownTiles[/** @type {HTMLElement} */ (tile).dataset.tile ?? ""];
      if (text !== undefined) write(tile.querySelector("b"), text);
      tile.classList.toggle("other", text === undefined && isSelected());
      const rest = tile.querySelector("small") ?? tile.appendChild(make("small"));
      rest.textContent = text === undefined && isSelected() ? ` ${say("tile")}` : "";
    }
  };

  // The bar that says what is selected.
  const bar = make("div", "chosen");
  const words = make("p");
  const spoken = make("p", "spoken");
  spoken.setAttribute("role", "status");
  const clear = /** @type {HTMLButtonElement} */ (make("button", "", say("clear")));
  clear.type = "button";
  bar.append(words, clear, spoken);
  first.before(bar);
  let speaking = 0;
  const tell = () => {
    const parts = [];
    if (chosen.from > 0 || chosen.to < end) parts.push(say("span", { from: label(at(chosen.from)), to: label(at(chosen.to)) }));
    if (chosen.kinds.size) parts.push(data.classes.filter((kind) => chosen.kinds.has(kind)).join(", "));
    const total = rows.reduce((all, cell) => all + cell.count, 0);
    const text = isSelected() ? say("is", { what: parts.join("; "), rows: number(sum(rows)), total: number(total) }) : say("hint");
    words.textContent = text;
    clear.hidden = !isSelected();
    bar.classList.toggle("active", isSelected());
    clearTimeout(speaking);
    speaking = setTimeout(() => { spoken.textContent = isSelected() ? text : wasSelected ? say("none") : ""; wasSelected ||= isSelected(); }, 300);
  };
  let wasSelected = false;

  // The brush.
  const charts = [...document.querySelectorAll('[data-follows="status"] .chart, [data-follows="bytes"] .chart, [data-follows="times"] .chart')];
  /** @type {{chart: Element, veils: HTMLElement[]}[]} */
  const veiled = charts.map((chart) => {
    const plot = make("div", "plot");
    chart.replaceWith(plot);
    const veils = [make("div", "veil"), make("div", "veil")];
    plot.append(chart, ...veils);
    return { chart, veils };
  });
  const plot = /** @type {HTMLElement} */ (firstChart.parentElement);
  plot.classList.add("brush");
  const handles = ["start", "end"].map((key) => {
    const handle = make("div", "handle");
    const attributes = { role: "slider", tabindex: "0", "aria-label": say(key), "aria-valuemin": "0", "aria-valuemax": String(end) };
    for (const [name, value] of Object.entries(attributes)) handle.setAttribute(name, value);
    plot.append(handle);
    return handle;
  });
  const place = () => {
    for (const { chart, veils } of veiled) {
      const [left, right] = [share(chart, chosen.from), share(chart, chosen.to)];
      Object.assign(veils[0].style, { left: "0", width: `${100 * left}%` });
      Object.assign(veils[1].style, { left: `${100 * right}%`, width: `${100 * (1 - right)}%` });
    }
    [chosen.from, chosen.to].forEach((step, index) => {
      handles[index].style.left = `${100 * share(/** @type {Element} */ (firstChart), step)}%`;
      handles[index].setAttribute("aria-valuenow", String(step));
      handles[index].setAttribute("aria-valuetext", label(at(step)));
    });
  };

  const render = () => {
    for (const section of document.querySelectorAll("main section")) {
      const [kind, name] = (/** @type {HTMLElement} */ (section).dataset.follows ?? "").split(":");
      (follow[kind] ?? mark)(section, name);
    }
    tiles();
    tell();
    place();
  };
  let waiting = 0;
  const changed = () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(render);
  };
  /** @type {(from: number, to: number) => void} */
  const select = (from, to) => {
    chosen.from = Math.min(Math.max(from, 0), end - 1);
    chosen.to = Math.max(Math.min(to, end), chosen.from + 1);
    changed();
  };

  // The state in the address, so that it can be shared.
  const keep = () => {
    const parts = [];
    /** @type {(step: number) => string} */
    const iso = (step) => label(at(step)).replace(" ", "T");
    if (chosen.from > 0 || chosen.to < end) parts.push(`from=${iso(chosen.from)}`, `to=${iso(chosen.to)}`);
    if (chosen.kinds.size) parts.push(`class=${[...chosen.kinds].join(",")}`);
    try {
      history.replaceState(null, "", `#${parts.join("&")}`);
    } catch {
      // A page in a frame without an address of its own has no state to share.
    }
  };
  const restore = () => {
    const asked = new URLSearchParams(location.hash.slice(1));
    /** @type {(name: string, otherwise: number) => number} */
    const step = (name, otherwise) => {
      const time = Date.parse(`${asked.get(name)}Z`);
      return Number.isNaN(time) ? otherwise : Math.round((time - data.start) / data.step);
    };
    chosen.kinds = new Set((asked.get("class") ?? "").split(",").filter((kind) => data.classes.includes(kind)));
    select(step("from", 0), step("to", end));
  };
  const reset = () => {
    chosen.kinds.clear();
    select(0, end);
    keep();
  };

  clear.addEventListener("click", () => {
    reset();
    handles[0].focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && isSelected()) reset();
  });
  addEventListener("hashchange", restore);

  for (const item of first.querySelectorAll(".legend li")) {
    const button = /** @type {HTMLButtonElement} */ (make("button"));
    const kind = /** @type {HTMLElement} */ (item).dataset.class ?? "";
    button.type = "button";
    button.dataset.class = kind;
    button.append(...item.childNodes);
    item.append(button);
    button.addEventListener("click", () => {
      if (!chosen.kinds.delete(kind)) chosen.kinds.add(kind);
      if (chosen.kinds.size === data.classes.length) chosen.kinds.clear();
      changed();
      keep();
    });
  }

  handles.forEach((handle, index) => {
    handle.addEventListener("keydown", (event) => {
      const by = event.shiftKey ? SHIFT : 1;
      const now = index ? chosen.to : chosen.from;
      /** @type {Record<string, number>} */
      const moves = { ArrowLeft: now - by, ArrowDown: now - by, ArrowRight: now + by, ArrowUp: now + by, Home: 0, End: end };
      moves.PageDown = now - SHIFT;
      moves.PageUp = now + SHIFT;
      if (!(event.key in moves)) return;
      event.preventDefault();
      const next = moves[event.key];
      if (index) select(chosen.from, Math.max(next, chosen.from + 1));
      else select(Math.min(next, chosen.to - 1), chosen.to);
      keep();
    });
  });

  /** @type {(event: PointerEvent) => number} */
  const stepAt = (event) => {
    const box = plot.getBoundingClientRect();
    const area = areaOf(/** @type {Element} */ (firstChart));
    const time = area.start + ((event.clientX - box.left) / box.width) * area.step * area.slots;
    return Math.min(Math.max((time - data.start) / data.step, 0), end);
  };
  /** @type {{handle: number, at: number, x: number, from: number, to: number} | null} */
  let drag = null;
  plot.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const handle = handles.indexOf(/** @type {HTMLElement} */ (event.target));
    drag = { handle, at: stepAt(event), x: event.clientX, from: chosen.from, to: chosen.to };
    plot.setPointerCapture(event.pointerId);
  });
  plot.addEventListener("pointermove", (event) => {
    if (!drag || Math.abs(event.clientX - drag.x) < MOVED) return;
    const now = stepAt(event);
    if (drag.handle === 0) select(Math.min(Math.round(now), drag.to - 1), drag.to);
    else if (drag.handle === 1) select(drag.from, Math.max(Math.round(now), drag.from + 1));
    else select(Math.floor(Math.min(now, drag.at)), Math.ceil(Math.max(now, drag.at)));
  });
  plot.addEventListener("pointerup", (event) => {
    if (drag && drag.handle < 0 && Math.abs(event.clientX - drag.x) < MOVED) {
      const step = Math.min(Math.floor(drag.at), end - 1);
      select(step, step + 1);
    }
    if (drag) keep();
    drag = null;
  });
  plot.addEventListener("pointercancel", () => {
    if (drag) select(drag.from, drag.to);
    drag = null;
  });
  restore();
})();
