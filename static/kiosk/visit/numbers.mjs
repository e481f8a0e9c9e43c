// Follow-up numbers: what a new citizen is known by. Fifty random bits in letters that nobody mistakes for others. Pure.

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** "7F3M9-QXC2P". `fill` puts random bytes into an array, as crypto.getRandomValues does. */
export function newNumber(fill) {
  const letters = [...fill(new Uint8Array(10))].map((byte) => ALPHABET[byte % 32]);
  return `${letters.slice(0, 5).join("")}-${letters.slice(5).join("")}`;
}

/** A number as somebody types it from paper, as it was printed; anything that is no number of ours only trimmed. */
export function readNumber(text) {
  const plain = text.trim().toUpperCase().replace(/[\s-]/g, "").replace(/O/g, "0").replace(/[IL]/g, "1");
  return new RegExp(`^[${ALPHABET}]{10}$`).test(plain) ? `${plain.slice(0, 5)}-${plain.slice(5)}` : text.trim();
}

/** Whether a number is of the kind that is made here, which nobody guesses. */
export function isOwnNumber(number) {
  return new RegExp(`^[${ALPHABET}]{5}-[${ALPHABET}]{5}$`).test(number);
}
