// Small helpers around the page's elements. Texts are always set as text.

/** The element with this id. */
export const $ = (id) => document.getElementById(id);

/** A new element: attributes, then children, which are elements or texts. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** Puts these in place of what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren(...children);
}

/** Shows a text in an element, which is hidden while there is none. */
export function tell(element, text) {
  element.textContent = text;
  element.hidden = !text;
}

/** Sets the attribute by which a button is on or off. */
export function press(button, on) {
  button.setAttribute("aria-pressed", String(on));
}
