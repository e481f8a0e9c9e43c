/** Where a box lies over a picture, whatever size that is shown in. */

/**
 * The CSS of a box given in the picture's own pixels.
 * @param {{x: number, y: number, w: number, h: number}} box
 * @param {{width: number, height: number}} picture - its natural size
 * @returns {{left: string, top: string, width: string, height: string} | null} null where the picture has no size
 */
export function boxStyle(box, picture) {
  if (!(picture.width > 0 && picture.height > 0)) return null;
  const percent = (part, whole) => `${((100 * part) / whole).toFixed(3)}%`;
  return {
    left: percent(box.x, picture.width),
    top: percent(box.y, picture.height),
    width: percent(box.w, picture.width),
    height: percent(box.h, picture.height),
  };
}

/** The box in an element's data-x, data-y, data-w and data-h. */
export function boxOf(dataset) {
  return { x: Number(dataset.x), y: Number(dataset.y), w: Number(dataset.w), h: Number(dataset.h) };
}

/**
 * The files among those dropped, pasted or chosen that are pictures we accept.
 * @param {Iterable<{type: string}>} files
 * @param {string} accept - the input's accept attribute: media types, comma-separated
 */
export function acceptable(files, accept) {
  const types = new Set(accept.split(",").map((type) => type.trim()));
  return [...files].filter((file) => types.has(file.type));
}
