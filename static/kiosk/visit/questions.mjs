// Which field a sentence of the questions asks for, and what its answers may look like. Pure.

/**
 * The entry of the book whose wording ends the sentence, the longest one first: {key, slot, relation, attempt, before}.
 * `attempt` counts from 0, the first wording; `before` is what was said before the question. A fork (a question about the
 * conversation itself) has `answers` and no slot. null for a sentence that the book does not know.
 */
export function recognise(sentence, book, forks) {
  const fork = forks.find(({ holds }) => sentence.includes(holds));
  if (fork) return { key: fork.key, slot: "", relation: "", attempt: 0, before: "", answers: fork.answers };
  let best = null;
  for (const entry of book) {
    entry.texts.forEach((text, attempt) => {
      if (sentence.endsWith(text) && text.length > (best?.text.length ?? 0)) best = { ...entry, text, attempt };
    });
  }
  if (best === null) return null;
  const { key, slot, relation, attempt, text } = best;
  return { key, slot, relation, attempt, before: sentence.slice(0, -text.length) };
}

/** Sentences with their end marks: "好的。请问？" is two. */
export function sentences(text) {
  return text.match(/[^。？！]+[。？！]?/g) ?? [];
}

/** Whether what is typed for this slot is hidden from those who stand behind. */
export function isSecret(slot) {
  return slot === "phone" || slot === "id_card";
}

/** The on-screen keyboard that suits a slot. An ID number may end in X. */
export function inputMode(slot) {
  return { phone: "tel", email: "email" }[slot] ?? "text";
}

/** What is said to correct a field after the questions. */
export function correction(label, value) {
  return `我刚才说错了，${label}是${value}`;
}
