// Numbers as others may see them. Pure.

const KEEP = { phone: [3, 2], id_card: [3, 2], email: [1, 0], address: [6, 0] };

/** A value of this slot with its middle hidden; other slots as they are. */
export function mask(slot, value) {
  const text = String(value);
  const keep = KEEP[slot];
  if (!keep || text.includes("*")) return text;
  if (slot === "email") return text.replace(/^(.).*(@.*)$/, "$1***$2");
  const [head, tail] = keep;
  const hidden = text.length - head - tail;
  if (hidden <= 0) return "*".repeat(text.length);
  return text.slice(0, head) + "*".repeat(hidden) + text.slice(text.length - tail);
}

/** The same for a receipt's number that was not made here: an ID number may be somebody's number. */
export function maskNumber(number) {
  return /^\d{17}[\dX]$/i.test(number) ? mask("id_card", number) : number;
}
