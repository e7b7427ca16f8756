// Curves that answer: choose an entry of a legend, or a row of the table of runs, and its curves stand alone in every figure;
// once more for all. Point at a curve, or walk along it with the arrow keys, and it says its value; click, or Enter, chooses it.
// The line of a trial says all values of the trial.
(() => {
  const root = document.documentElement;
  const armOf = ({ dataset }) => dataset.arm ?? dataset.curve;
  const figures = [...document.querySelectorAll("figure[data-by]")].map((figure) => {
    const labels = new Map([...(figure.dataset.arms ?? "").matchAll(/^(\d+) (.*)$/gm)].map(([, arm, label]) => [arm, label.replace(/\s+/g, " ").trim()]));
    const entries = [...figure.querySelectorAll("li[data-arm]")];
    for (const entry of entries) labels.set(armOf(entry), spoken(entry, false));
    return { figure, entries, labels, by: figure.dataset.by, marked: figure.querySelectorAll("[data-arm],[data-curve]") };
  });

  const table = document.getElementById("table-of-runs");
  const columns = table ? [...table.tHead.rows[0].cells].map((head) => head.dataset.by) : [];
  let row;
  const show = () => {
    const chosen = JSON.parse(root.dataset.chosen ?? "{}"); // key of a factor -> label
    for (const { by, labels, marked } of figures) {
      const some = [...labels.values()].includes(chosen[by]);
      for (const part of marked) {
        const mine = labels.get(armOf(part)) === chosen[by];
        part.classList.toggle("off", some && !mine);
        part.querySelector("button")?.setAttribute("aria-pressed", some && mine);
      }
    }
  };
  const choose = (settings, from) => {
    const wanted = JSON.stringify(settings);
    const again = wanted === root.dataset.chosen && from === row;
    row?.removeAttribute("aria-current");
    row = again ? null : from;
    row?.setAttribute("aria-current", "true");
    root.dataset.chosen = again ? "{}" : wanted;
    show();
  };
  for (const { by, entries, labels } of figures) {
    for (const entry of entries) {
      const button = document.createElement("button");
      button.append(...entry.childNodes);
      button.onclick = () => choose({ [by]: labels.get(armOf(entry)) });
      entry.append(button);
    }
  }
  if (figures.some(({ by }) => columns.includes(by))) {
    const body = table.tBodies[0];
    const of = (line) => choose(Object.fromEntries(columns.flatMap((by, place) => (by ? [[by, spoken(line.cells[place], false)]] : []))), line);
    document.getElementById("choosing").hidden = false;
    body.className = "choices";
    body.rows[0].cells[0].tabIndex = 0; // the arrow keys reach the others
    body.onclick = ({ target }) => target.closest("a") || !getSelection().isCollapsed || of(target.closest("tr"));
    body.onkeydown = (event) => {
      const { target, key } = event;
      const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[key];
      if (target.tagName !== "TH" || !(step || key === "Enter" || key === " ")) return;
      event.preventDefault();
      let line = target.parentElement;
      if (!step) return of(line);
      do line = line[step]; while (line?.hidden);
      if (!line) return;
      target.tabIndex = -1;
      line.cells[0].tabIndex = 0;
      line.cells[0].focus();
    };
  }
  show();

  const [dot, tip] = ["dot", "tip"].map((name) => Object.assign(document.createElement("div"), { className: name, hidden: true }));
  tip.setAttribute("role", "status");
  document.body.append(dot, tip);
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], Home: [-1e9, 0], End: [1e9, 0] };
  const hide = () => {
    tip.hidden = dot.hidden = true;
    document.querySelector(".said")?.classList.remove("said");
  };
  const nearest = (points, far) => points.reduce((best, one) => (far(one) < far(best) ? one : best), points[0]);
  for (const panel of document.querySelectorAll("[data-read]")) {
    const svg = panel.querySelector("svg.plot");
    const { labels, entries, by } = figures.find(({ figure }) => figure.contains(panel));
    const places = panel.dataset.at.split(" ");
    let all, at;
    const points = () => { // of a path: one for each place that has a value, in their order
      const texts = panel.dataset.read.split(";").map((line) => line.split(" "));
      all ??= [...svg.querySelectorAll("[data-curve]")].flatMap((curve) => {
        const path = curve.querySelector("path").getAttribute("d").match(/-?[\d.]+/g).map(Number);
        const said = texts[armOf(curve)].flatMap((text, place) => (text ? [{ text, place, curve }] : []));
        return path.length === 2 * said.length ? said.map((one, n) => ({ ...one, x: path[2 * n], y: path[2 * n + 1] })) : [];
      });
      return all.filter(({ curve }) => !curve.classList.contains("off"));
    };
    const say = (point) => {
      if (!point) return;
      const box = svg.getBoundingClientRect();
      const scale = box.width / svg.viewBox.baseVal.width;
      const [x, y] = [box.left + point.x * scale, box.top + point.y * scale];
      const arm = armOf(point.curve);
      const label = spoken(entries.find((entry) => armOf(entry) === arm)) || labels.get(arm);
      const names = [...panel.querySelector("template")?.content.cloneNode(true).children ?? []];
      const values = panel.dataset.read.split(";")[arm].split(" ");
      names.forEach((name, place) => name.append(` ${place ? values[place - 1] : label}`));
      if (names.length) tip.replaceChildren(...names);
      else tip.replaceChildren(label ? `${label}, ` : "", document.getElementById("at").content.cloneNode(true),
        ` ${places[point.place]}: ${point.text}${panel.dataset.unit}`);
      hide();
      point.curve.classList.add("said");
      tip.hidden = dot.hidden = false;
      dot.style.translate = `${x}px ${y}px`;
      tip.style.translate = `${Math.max(4, Math.min(x + 10, root.clientWidth - tip.offsetWidth - 4))}px ${y > 60 ? y - tip.offsetHeight - 10 : y + 14}px`;
    };
    const pointed = ({ clientX, clientY }) => { // the curve that is nearest above or below, at its point that is nearest across
      const box = svg.getBoundingClientRect();
      const scale = svg.viewBox.baseVal.width / box.width;
      const [left, top] = [(clientX - box.left) * scale, (clientY - box.top) * scale];
      const height = (mine) => {
        const next = mine.findIndex(({ x }) => x >= left);
        if (next < 1) return mine.at(next).y; // before its first point, or behind its last
        const [one, two] = [mine[next - 1], mine[next]];
        return one.y + (two.y - one.y) * (left - one.x) / (two.x - one.x);
      };
      const shown = points();
      const curves = [...new Set(shown.map(({ curve }) => curve))].map((one) => shown.filter(({ curve }) => curve === one));
      return curves.length ? nearest(nearest(curves, (mine) => Math.abs(height(mine) - top)), ({ x }) => Math.abs(x - left)) : null;
    };
    const alone = (point) => point && by && choose({ [by]: labels.get(armOf(point.curve)) });
    svg.onpointermove = (event) => say(pointed(event));
    svg.onclick = (event) => {
      const point = pointed(event);
      alone(point);
      say(point);
    };
    svg.onpointerleave = svg.onblur = hide;
    const walk = (step, turn) => {
      const curves = [...new Set(points().map(({ curve }) => curve))].sort((one, two) => armOf(one) - armOf(two));
      const now = curves[(Math.max(0, curves.indexOf(at?.curve)) + turn + curves.length) % curves.length];
      const mine = points().filter(({ curve }) => curve === now);
      say(at = at ? nearest(mine, ({ place }) => Math.abs(place - at.place - step)) : mine.at(-1));
    };
    svg.tabIndex = 0;
    svg.onfocus = () => svg.matches(":focus-visible") && walk(0, 0);
    svg.onkeydown = (event) => {
      if (event.key === "Escape") hide();
      if (event.key === "Enter" && !tip.hidden) alone(at);
      if (!(event.key in STEPS)) return;
      event.preventDefault();
      walk(...STEPS[event.key]);
    };
  }
  addEventListener("scroll", hide, { passive: true, capture: true });
})();
