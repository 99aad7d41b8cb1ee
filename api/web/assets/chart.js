// Draws lines from a table that stands in the page, so that the figures are there without drawing.
//
// <figure data-chart="lines"> holds a table: the first column days (data-value="2017-01-08"), each
// further column a line (data-value in fen). data-chart="steps" draws it in steps.

import uPlot from "./vendor/uplot.js";

const DASHES = [[], [6, 3], [2, 3], [10, 4, 2, 4]];
// Nothing here is finer than a day.
const STEPS_S = [1, 2, 7, 14, 28, 56, 91, 182, 365, 730, 1825].map((days) => days * 86400);
const INKS = ["--ink-1", "--ink-2", "--ink-3", "--ink-4"];

function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function read(table) {
  const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.dataset.value));
  const days = rows.map((row) => Date.parse(`${row[0]}T00:00:00+08:00`) / 1000);
  const lines = heads.slice(1).map((_, at) => rows.map((row) => (row[at + 1] === "" || row[at + 1] === undefined ? null : Number(row[at + 1]) / 100)));
  return { heads, data: [days, ...lines] };
}

function draw(figure) {
  const table = figure.querySelector("table");
  const { heads, data } = read(table);
  if (data[0].length < 2) return;
  const place = document.createElement("div");
  place.className = "drawn";
  place.setAttribute("aria-hidden", "true");
  figure.prepend(place);
  const locale = document.documentElement.lang;
  const money = new Intl.NumberFormat(locale, { notation: "compact" });
  const plot = new uPlot(
    {
      width: figure.clientWidth,
      height: 260,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Asia/Shanghai"),
      cursor: { drag: { x: false, y: false } },
      scales: { x: { time: true } },
      axes: [
        { stroke: style("--pico-color"), incrs: STEPS_S, values: (_, ticks) => ticks.map((t) => new Intl.DateTimeFormat(locale, { month: "numeric", day: "numeric", timeZone: "Asia/Shanghai" }).format(t * 1000)) },
        { stroke: style("--pico-color"), size: 70, values: (_, ticks) => ticks.map((t) => money.format(t)) },
      ],
      series: [
        { label: heads[0], value: (_, t) => (t === null ? "" : new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "Asia/Shanghai" }).format(t * 1000)) },
        ...heads.slice(1).map((label, at) => ({ label, stroke: style(INKS[at % INKS.length]), width: 2, dash: DASHES[at % DASHES.length], spanGaps: true, paths: figure.dataset.chart === "steps" ? uPlot.paths.stepped({ align: 1 }) : undefined })),
      ],
    },
    data,
    place,
  );
  new ResizeObserver(() => plot.setSize({ width: figure.clientWidth, height: 260 })).observe(figure);
}

// Figures that a page takes in later are drawn when it says so.
export function drawAll() {
  for (const figure of document.querySelectorAll("figure[data-chart]:not([data-drawn])")) {
    figure.dataset.drawn = "";
    draw(figure);
  }
}

drawAll();
