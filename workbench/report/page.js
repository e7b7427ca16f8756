// Sorting and filtering of the table of runs. The page is whole without it.
"use strict";
(() => {
  const table = document.getElementById("table-of-runs");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const orderOf = (row, column) => row.cells[column].dataset.o ?? row.cells[column].textContent;

  const compare = (left, right) => {
    if (left === "" || right === "") return (left === "") - (right === "");
    const difference = Number(left) - Number(right);
    return Number.isNaN(difference) ? left.localeCompare(right, "en") : difference;
  };

  const sortBy = (column, heading) => {
    const descending = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const sign = descending ? -1 : 1;
    const sorted = [...rows].sort((a, b) => {
      const left = orderOf(a, column);
      const right = orderOf(b, column);
      return left === "" || right === "" ? compare(left, right) : sign * compare(left, right);
    });
    body.append(...sorted);
  };

  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    button.addEventListener("click", () => sortBy(column, heading));
    heading.replaceChildren(button);
  });

  const field = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const filter = () => {
    const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      row.hidden = !wanted.every((word) => words.get(row).includes(word));
      count += !row.hidden;
    }
    shown.textContent = `${count} of ${rows.length} runs`;
  };
  field.addEventListener("input", filter);
  document.querySelector(".controls").hidden = false;
  filter();
})();
