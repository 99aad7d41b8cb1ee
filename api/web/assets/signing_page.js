// The signing page begins once its people are there: they came with it, or were kept on this device.

import { peopleAreThere } from "./kept_sheet.js";
import { word } from "./service.js";

const root = document.querySelector("[data-signing]");

if (await peopleAreThere().catch(() => false)) {
  await import("./signing.js");
} else {
  for (const part of root.querySelectorAll("section")) part.hidden = true;
  root.querySelector("[data-link]").textContent = word("unopened");
  root.hidden = false;
}
