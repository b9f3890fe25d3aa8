"use strict";
// Tables: a header sorts by what is not rounded, what is unknown comes last; the field above leaves the rows that hold its text.
const key = (row, column) => row.cells[column].dataset.key;
const compare = (a, b) => (isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b);
function sort(table, column) {
  const head = table.tHead.rows[0].cells[column];
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows].sort((one, two) => {
    const a = key(one, column), b = key(two, column);
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    return down ? compare(b, a) : compare(a, b);
  });
  table.tBodies[0].append(...rows);
}
for (const box of document.querySelectorAll(".table")) {
  const table = box.querySelector("table"), field = box.querySelector("input");
  table.querySelectorAll("th button").forEach((button, column) => button.addEventListener("click", () => sort(table, column)));
  field?.addEventListener("input", () => {
    const rows = [...table.tBodies[0].rows], text = field.value.toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(text);
    box.querySelector("output").value = text && `${rows.filter((row) => !row.hidden).length} of ${rows.length}`;
  });
}
// Figures are drawn when they come into view, and again in the other theme; `ast` lets Vega do without eval.
const root = document.documentElement, preferred = matchMedia("(prefers-color-scheme: dark)");
const dark = () => (root.dataset.theme ?? (preferred.matches ? "dark" : "light")) === "dark";
const drawn = new Set();
async function draw(box) {
  drawn.add(box);
  const spec = JSON.parse(box.querySelector("script").textContent), place = box.lastElementChild;
  const target = place.tagName === "DIV" ? place : box.appendChild(document.createElement("div"));
  box.classList.toggle("wide", spec.width !== "container");
  const actions = { export: true, source: false, compiled: false, editor: false };
  const theme = dark() ? "dark" : undefined;
  const axis = { gridColor: dark() ? "#333b44" : "#e3e6ea", labelFontSize: 12, titleFontSize: 12, titleLimit: 260 };
  const config = { background: "transparent", axis, header: { labelFontSize: 12 }, legend: { labelFontSize: 12, titleFontSize: 12 } };
  await vegaEmbed(target, spec, { theme, actions, renderer: "svg", ast: true, config });
}
const view = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting && !drawn.has(entry.target)) draw(entry.target);
}, { rootMargin: "500px" });
document.querySelectorAll(".chart").forEach((box) => view.observe(box));
const again = () => drawn.forEach(draw);
preferred.addEventListener("change", again);
document.getElementById("theme").addEventListener("click", () => {
  root.dataset.theme = dark() ? "light" : "dark";
  again();
});
