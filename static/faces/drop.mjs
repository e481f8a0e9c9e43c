/** Pictures that are dropped on an element or pasted anywhere on the page, besides those that an input lets one choose. */

import { acceptable } from "./geometry.mjs";

/**
 * @param {HTMLElement} zone
 * @param {HTMLInputElement} input
 * @param {(files: File[]) => void} receive - called with pictures only, never with none
 */
export function receivePictures(zone, input, receive) {
  const take = (files) => {
    const pictures = acceptable(files, input.accept);
    if (pictures.length > 0) receive(pictures);
  };
  document.documentElement.classList.add("face-scripted");
  // The theme's script writes the name of a chosen file into the nearest text field, unless it thinks it listens already.
  input.hasChangeListener = true;
  for (const type of ["dragenter", "dragover"]) {
    zone.addEventListener(type, (event) => {
      event.preventDefault();
      zone.classList.add("face-drop-over");
    });
  }
  for (const type of ["dragleave", "drop"]) zone.addEventListener(type, () => zone.classList.remove("face-drop-over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => take(event.clipboardData?.files ?? []));
  input.addEventListener("change", () => take(input.files));
}

/** Puts files into an input, as if they had been chosen there. */
export function setFiles(input, files) {
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  input.files = transfer.files;
}
