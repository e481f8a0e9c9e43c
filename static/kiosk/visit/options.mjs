// The answers that are buttons.

import { fill, make } from "./dom.mjs";

const FEW = 8;
const NOBODY = "没有";

/** The answers that may be pressed for a field: [] where it is only said or typed. */
export function answersFor(asked, choices) {
  if (!asked) return [];
  if (asked.answers) return asked.answers;
  if (asked.relation) return asked.slot === "name" ? [NOBODY] : [];
  if (asked.slot === "email") return [NOBODY];
  return choices[asked.slot] ?? [];
}

/** Shows buttons for these answers, the first few unless `all`, those that match `search`; `press(answer)` hears which. */
export function showAnswers(element, answers, { words, all = true, search = "", press, chosen = null }) {
  const wanted = search.trim().toLowerCase();
  const fitting = answers.filter((one) => one.includes(wanted) || words.choice(one).toLowerCase().includes(wanted));
  const shown = all || wanted ? fitting : fitting.slice(0, FEW);
  element.classList.toggle("many", shown.length > FEW);
  fill(
    element,
    ...shown.map((one) =>
      make(
        "button",
        { type: "button", class: "tile", "aria-pressed": chosen === null ? undefined : String(one === chosen), onclick: () => press(one) },
        words.choice(one),
      ),
    ),
  );
  element.hidden = shown.length === 0;
}

/** Whether there are so many that the common ones come first and a search helps. */
export function areMany(answers) {
  return answers.length > 2 * FEW;
}
