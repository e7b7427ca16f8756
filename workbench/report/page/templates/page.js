// What a page can do with script: sort and filter its table of runs, and say which language is shown. It is whole without.
"use strict";
const inChinese = () => document.getElementById("in-chinese").checked;
const spoken = (element, chinese = inChinese()) => { // what an element says in one language
  if (!element) return "";
  const copy = element.cloneNode(true);
  copy.querySelectorAll(chinese ? ".en" : ".zh").forEach((one) => one.remove());
  return copy.textContent.replace(/\s+/g, " ").trim();
};
// A text with its numbers as a program reads them, as `as_data` in wording.py: −2.5×10⁻⁹ is -2.5e-9.
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const asData = (text) => text
  .replace(/(?:([\d.]+)×|(?<![\p{L}\p{N}_.]))10([⁻⁰¹²³⁴-⁹]+)/gu, (_, mantissa, power) =>
    `${mantissa ?? 1}e${power.replace("⁻", "-").replace(/[^-]/g, (one) => RAISED.indexOf(one))}`)
  .replace(/−/g, "-").replace(/\u00a0/g, " ");
// A sentence with its placeholders filled; the element holds its forms in both languages.
const filled = (element, parts) =>
  (inChinese() ? element.dataset.zh : element.dataset.en).replace(/{(\w+)}/g, (_, name) => parts[name]);
// Attributes have no two languages at once: the Chinese stands in another attribute, and takes the place of the English.
const speak = () => {
  document.documentElement.lang = inChinese() ? "zh-Hant" : "en";
  for (const link of document.querySelectorAll("a[data-page]")) link.hash = inChinese() ? "in-chinese" : "";
  for (const name of ["aria-label", "title", "placeholder"]) {
    for (const one of document.querySelectorAll(`[data-zh-${name}]`)) {
      const english = one.getAttribute(`data-en-${name}`) ?? one.getAttribute(name);
      one.setAttribute(`data-en-${name}`, english);
      one.setAttribute(name, inChinese() ? one.getAttribute(`data-zh-${name}`) : english);
    }
  }
  const title = document.querySelector("title");
  title.dataset.en ??= title.textContent;
  title.textContent = inChinese() ? title.dataset.zh : title.dataset.en;
  document.dispatchEvent(new Event("speak"));
};
(() => {
  const chinese = document.getElementById("in-chinese");
  if (location.hash === "#in-chinese") chinese.checked = true;
  chinese.addEventListener("change", speak);
  document.getElementById("in-english").addEventListener("change", speak);
})();

// The page of a sweep that still trains is loaded again, at the place where it was, with what was open; also the last time.
(() => {
  const folds = () => [...document.querySelectorAll("details")];
  const kept = history.state?.workbench;
  if (kept) {
    history.replaceState(null, "");
    folds().forEach((fold, number) => { fold.open = kept.open.includes(number); });
    if (kept.chosen) document.documentElement.dataset.chosen = kept.chosen;
    if (kept.chinese) document.getElementById("in-chinese").click();
    scrollTo({ top: kept.top, behavior: "instant" });
  }
  const live = document.querySelector("[data-live]");
  if (!live) return;
  setTimeout(() => {
    const open = folds().flatMap((fold, number) => (fold.open ? [number] : []));
    const state = { top: scrollY, open, chinese: document.getElementById("in-chinese").checked,
      chosen: document.documentElement.dataset.chosen };
    try { history.replaceState({ workbench: state }, ""); } catch { /* a sandbox: the page begins at its top */ }
    location.reload();
  }, 1000 * Number(live.dataset.live));
})();

// Inside MLflow's viewer the page is a sandboxed blob, where a link to a place in the page would lead nowhere.
if (!/^(file|https?):$/.test(location.protocol)) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (!link) return;
    event.preventDefault();
    document.querySelector(link.getAttribute("href"))?.scrollIntoView();
  });
}

(() => {
  const table = document.getElementById("table-of-runs");
  if (!table) return;
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const english = (cell) => (cell.querySelector(".en") ?? cell).textContent.trim();
  const rows = [...body.rows].map((row) => ({ row, texts: [...row.cells].map(english), words: row.textContent.toLowerCase() }));

  // "96.11 %" and "−3" are numbers, "–" stands for none and comes last whichever way is sorted.
  const valueOf = (text) => (text === "–" || text === "" ? null : asData(text).replace(/\s%$/, ""));
  const compare = (left, right) => {
    const difference = Number(left) - Number(right);
    return Number.isNaN(difference) ? left.localeCompare(right, "en") : difference;
  };

  const sortBy = (column) => {
    const sign = heads[column].getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const head of heads) head.removeAttribute("aria-sort");
    heads[column].setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    const keyed = rows.map((one) => ({ row: one.row, key: valueOf(one.texts[column]) }));
    keyed.sort((a, b) =>
      a.key === null || b.key === null ? (a.key === null) - (b.key === null) : sign * compare(a.key, b.key));
    body.append(...keyed.map((one) => one.row));
  };

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sortBy(column));
    head.replaceChildren(button);
  });

  // A choice for every column with few values, so that "depth 4" is not found in every other number.
  const last = heads.findIndex((head) => head.hasAttribute("data-last-choice"));
  const chosen = [];
  const choices = document.getElementById("choices");
  for (let column = 1; column <= last; column += 1) {
    const values = [...new Set(rows.map((one) => one.texts[column]))].sort(compare);
    if (values.length < 2 || values.length > 40) continue;
    const select = document.createElement("select");
    const shownAs = new Map(rows.map((one) => [one.texts[column], one.row.cells[column]]));
    select.append(new Option("", ""), ...values.map((value) => new Option("", `=${value}`)));
    document.addEventListener("speak", () => {
      const name = spoken(heads[column]);
      select.setAttribute("aria-label", name);
      for (const option of select.options) {
        const value = option.value ? spoken(shownAs.get(option.value.slice(1))) : spoken(choices.firstElementChild);
        option.text = filled(choices, { name, value });
      }
    });
    select.addEventListener("change", () => filter());
    chosen.push({ select, column });
    choices.append(select);
  }

  const field = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const filter = () => {
    const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const exact = chosen.filter(({ select }) => select.value);
    let count = 0;
    for (const { row, words, texts } of rows) {
      row.hidden = !(
        wanted.every((word) => words.includes(word)) &&
        exact.every(({ select, column }) => `=${texts[column]}` === select.value)
      );
      count += !row.hidden;
    }
    shown.textContent = filled(shown, { shown: count.toLocaleString("en"), all: rows.length.toLocaleString("en") });
  };
  field.addEventListener("input", filter);
  document.querySelector(".controls").hidden = false;
  document.addEventListener("speak", filter);
})();
