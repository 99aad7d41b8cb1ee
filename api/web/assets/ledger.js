// The ledger: addresses without empty fields, and a chart that is fetched when it is opened.

// What is left empty asks for nothing; so it need not stand in the address.
document.addEventListener("formdata", (event) => {
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
});

async function draw() {
  if (!document.querySelector("figure[data-chart]:not([data-drawn])")) return;
  const { drawAll } = await import("./chart.js");
  drawAll();
  for (const note of document.querySelectorAll("figure [data-no-script]")) note.hidden = true;
}

for (const name of ["htmx:after:swap", "htmx:afterSwap"]) document.addEventListener(name, draw);
draw();

// What comes in place of the page's first rows has buttons of its own that need scripts.
document.addEventListener("htmx:after:swap", () => {
  for (const button of document.querySelectorAll("#ledger [data-print]")) {
    if (!button.hidden) continue;
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
  for (const note of document.querySelectorAll("#ledger [data-no-script]")) note.hidden = true;
});
