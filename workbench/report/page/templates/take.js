// Figures and tables to take away: every figure as SVG, PNG and PDF with title, legend and axis names, every table as CSV.
(() => {
  const KEPT = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap",
    "stroke-linejoin", "opacity", "font-size", "font-weight", "text-anchor", "dominant-baseline", "clip-path"];
  const FONT = 'system-ui, "Noto Sans", "Liberation Sans", sans-serif';
  const GAP = 18;
  const DENSE = 3; // pixels of a PNG or PDF for one of the page
  const escape = (text) => text.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);
  const plain = (svg) => { // a drawing that needs no style of the page
    const copy = svg.cloneNode(true);
    const from = [svg, ...svg.querySelectorAll("*")];
    [copy, ...copy.querySelectorAll("*")].forEach((element, place) => {
      const style = getComputedStyle(from[place]);
      if (element.tagName !== "svg") for (const name of KEPT) {
        const value = style.getPropertyValue(name);
        if (value && value !== "none" || name === "fill" || name === "stroke") element.setAttribute(name, value);
      }
      element.removeAttribute("class");
      element.removeAttribute("style");
      if (style.display === "none") element.remove(); // the language that is not shown
    });
    return copy.innerHTML.replace(/ data-(arm|curve)="\d+"/g, "");
  };

  const composed = (figure) => { // all drawings of a figure side by side, below its title and legend
    const root = document.documentElement;
    root.classList.add("light");
    try {
      const panels = [...figure.querySelectorAll(".panel")].map((panel) => {
        const svg = panel.querySelector("svg.plot");
        const { width, height } = svg.viewBox.baseVal;
        return { title: spoken(panel.querySelector("h3, h4")), width, height, svg };
      });
      const across = panels.length % 4 === 0 ? 4 : panels.length % 3 === 0 ? 3 : Math.min(panels.length, 2);
      const cell = { width: Math.max(...panels.map((one) => one.width)), height: Math.max(...panels.map((one) => one.height)) };
      const headed = panels.some((one) => one.title) ? 20 : 0;
      const width = across * cell.width + (across + 1) * GAP;
      const parts = [];
      let top = GAP;
      const say = (text, x, y, size, extra = "") =>
        parts.push(`<text x="${x}" y="${y}" font-size="${size}" font-family='${FONT}' fill="#1b1d20" ${extra}>${escape(text)}</text>`);
      const title = spoken(figure.querySelector(":scope > h3"));
      if (title) { say(title, GAP, top + 12, 15, 'font-weight="650"'); top += 26; }
      let left = GAP;
      for (const key of figure.querySelectorAll(".legend li, .scale span:not(.ramp)")) {
        const line = key.querySelector("line");
        const text = spoken(key);
        const long = [...text].reduce((sum, one) => sum + (one > "\u2e80" ? 13 : 7), line ? 36 : 0) + GAP;
        if (left > GAP && left + long > width) { left = GAP; top += 18; }
        if (line) {
          const dash = line.getAttribute("stroke-dasharray");
          parts.push(`<line x1="${left}" x2="${left + 28}" y1="${top + 8}" y2="${top + 8}" stroke-width="2.6" stroke="${getComputedStyle(line).stroke}"${dash ? ` stroke-dasharray="${dash}"` : ""}/>`);
        }
        say(text, left + (line ? 34 : 0), top + 12, 12);
        left += long;
      }
      if (left > GAP) top += 26;
      panels.forEach((one, place) => {
        const x = GAP + (place % across) * (cell.width + GAP);
        const y = top + Math.floor(place / across) * (cell.height + headed + GAP);
        if (one.title) say(one.title, x, y + 12, 12.5, 'font-weight="650"');
        parts.push(`<svg x="${x}" y="${y + headed}" width="${one.width}" height="${one.height}" viewBox="0 0 ${one.width} ${one.height}" font-family='${FONT}' overflow="visible">${plain(one.svg)}</svg>`);
      });
      const height = top + Math.ceil(panels.length / across) * (cell.height + headed + GAP);
      const text = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><rect width="100%" height="100%" fill="#ffffff"/>${parts.join("")}</svg>`;
      return { text, width, height };
    } finally {
      root.classList.remove("light");
    }
  };

  const drawn = ({ text, width, height }) => new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = width * DENSE; canvas.height = height * DENSE;
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      resolve(canvas);
    };
    image.onerror = () => reject(new Error("the browser cannot read the drawing"));
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  });
  const blobOf = (canvas, type) => new Promise((resolve, reject) => canvas.toBlob(
    (blob) => blob ? resolve(blob) : reject(new Error(`the browser made no picture of ${canvas.width} × ${canvas.height} pixels`)), type, 0.95));

  const pdf = async (canvas) => { // one page with one picture
    const picture = new Uint8Array(await (await blobOf(canvas, "image/jpeg")).arrayBuffer());
    const [wide, high] = [canvas.width / DENSE * 0.75, canvas.height / DENSE * 0.75];
    const drawing = `q ${wide} 0 0 ${high} 0 0 cm /P Do Q`;
    const bytes = new TextEncoder();
    const parts = []; const places = []; let length = 0;
    const add = (part) => { const data = typeof part === "string" ? bytes.encode(part) : part; parts.push(data); length += data.length; };
    const object = (number, ...content) => { places[number] = length; add(`${number} 0 obj\n`); content.forEach(add); add("\nendobj\n"); };
    add("%PDF-1.4\n");
    object(1, "<</Type/Catalog/Pages 2 0 R>>");
    object(2, "<</Type/Pages/Kids[3 0 R]/Count 1>>");
    object(3, `<</Type/Page/Parent 2 0 R/MediaBox[0 0 ${wide} ${high}]/Resources<</XObject<</P 4 0 R>>>>/Contents 5 0 R>>`);
    object(4, `<</Type/XObject/Subtype/Image/Width ${canvas.width}/Height ${canvas.height}/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode/Length ${picture.length}>>stream\n`, picture, "\nendstream");
    object(5, `<</Length ${drawing.length}>>stream\n${drawing}\nendstream`);
    const start = length;
    add(`xref\n0 6\n0000000000 65535 f \n${places.slice(1).map((place) => `${String(place).padStart(10, "0")} 00000 n \n`).join("")}trailer<</Size 6/Root 1 0 R>>\nstartxref\n${start}\n%%EOF\n`);
    return new Blob(parts, { type: "application/pdf" });
  };

  const NUMBERS = /^[+-]?\.?\d[\d.,]*(e[+-]?\d+)?[\w% ]*( to [+-]?\.?\d[\d.,]*(e[+-]?\d+)?[\w% ]*)?$/; // with a unit, or two of them
  const inert = (text) => /^[=+\-@\t\r]/.test(text) && !NUMBERS.test(text) ? `'${text}` : text; // no formula: as figure_files.py does

  const csv = (table) => [...table.rows].map((row) => [...row.cells].map((cell) => {
    const text = inert(asData(spoken(cell)));
    return /[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  }).join(",")).join("\n") + "\n";

  const make = {
    SVG: (figure) => new Blob([composed(figure).text], { type: "image/svg+xml" }),
    PNG: async (figure) => blobOf(await drawn(composed(figure)), "image/png"),
    PDF: async (figure) => pdf(await drawn(composed(figure))),
  };
  const save = (blob, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };
  const page = spoken(document.querySelector("h1"), false);
  const stem = (text) => `${page} ${text}`.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 80) || "figure";
  const button = (label, name, chinese, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    made.setAttribute("aria-label", `${label}: ${name}`);
    made.setAttribute("data-zh-aria-label", `${label}：${chinese}`);
    made.addEventListener("click", async () => {
      const failed = made.parentElement.querySelector("[role=status]");
      failed.textContent = "";
      try {
        save(await act(), `${stem(name)}.${label.toLowerCase()}`);
      } catch (error) {
        failed.textContent = `${label} ${inChinese() ? "無法製作：" : "failed: "}${error.message}`;
      }
    });
    return made;
  };
  const bar = (...buttons) => {
    const line = document.createElement("p");
    line.className = "take";
    const failed = document.createElement("span");
    failed.setAttribute("role", "status");
    line.append(...buttons, failed);
    return line;
  };
  for (const figure of document.querySelectorAll("figure")) {
    if (!figure.querySelector("svg.plot")) continue;
    const heading = figure.querySelector(":scope > h3, .panel h3, .panel h4") ?? figure.querySelector("caption");
    const name = [spoken(heading, false), spoken(heading, true)];
    const buttons = Object.entries(make).map(([kind, act]) => button(kind, ...name, () => act(figure)));
    const table = figure.querySelector("table");
    if (table) buttons.push(button("CSV", ...name, () => new Blob([csv(table)], { type: "text/csv" })));
    figure.append(bar(...buttons));
  }
  for (const table of document.querySelectorAll("table")) {
    if (table.closest("figure")) continue;
    const name = [spoken(table.caption, false) || "table", spoken(table.caption, true) || "table"];
    table.closest(".scroll").append(bar(button("CSV", ...name, () => new Blob([csv(table)], { type: "text/csv" }))));
  }
  speak();
})();
