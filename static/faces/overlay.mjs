/** Draws boxes over photos that are shown at another size than their own. */

import { boxOf, boxStyle } from "./geometry.mjs";

/** Places `element` over the picture; it stays hidden where the picture has no size. */
export function placeBox(element, box, image) {
  const style = boxStyle(box, { width: image.naturalWidth, height: image.naturalHeight });
  if (style === null) return;
  Object.assign(element.style, style);
  element.hidden = false;
}

for (const figure of document.querySelectorAll("[data-overlay]")) {
  const image = figure.querySelector("img");
  const draw = () => {
    for (const box of figure.querySelectorAll(".face-box")) placeBox(box, boxOf(box.dataset), image);
  };
  if (image.complete) draw();
  else image.addEventListener("load", draw);
}
