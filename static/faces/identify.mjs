/** "Who is this?": shows the chosen photo, has it looked up, and draws the faces over it. */

import { receivePictures, setFiles } from "./drop.mjs";
import { boxOf } from "./geometry.mjs";
import { placeBox } from "./overlay.mjs";

const page = document.querySelector("[data-identify]");
if (page !== null) start(page);

function start(page) {
  const form = page.querySelector("form");
  const zone = page.querySelector(".face-drop");
  const input = zone.querySelector("input[type=file]");
  const status = zone.querySelector(".face-drop-status");
  const figure = zone.querySelector(".face-figure");
  const image = figure.querySelector("img");
  const results = page.querySelector("[data-results]");
  let asked = 0;

  const say = (text) => {
    status.textContent = text;
    status.hidden = text === "";
  };

  const lookUp = async (file) => {
    const turn = ++asked;
    const body = new FormData(form);
    body.set(input.name, file);
    zone.classList.add("face-busy");
    say(page.dataset.busy);
    const shown = show(image, figure, file);
    const answer = await ask(form.action, body, page.dataset);
    if (turn !== asked) return;
    zone.classList.remove("face-busy");
    if (answer.html === null) {
      say(answer.problem);
      return;
    }
    results.innerHTML = answer.html;
    say((await shown) ? "" : page.dataset.noPreview);
    if (turn === asked) drawBoxes(figure, image, results);
  };

  receivePictures(zone, input, (files) => {
    setFiles(input, files.slice(0, 1));
    lookUp(files[0]);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.files.length > 0) lookUp(input.files[0]);
  });
}

/** Shows a file; false where the browser can't. */
async function show(image, figure, file) {
  for (const box of figure.querySelectorAll(".face-box")) box.remove();
  if (image.src) URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(file);
  try {
    await image.decode();
    figure.hidden = false;
    return true;
  } catch {
    figure.hidden = true;
    return false;
  }
}

/** The results as HTML, or the problem why there are none. */
async function ask(url, body, words) {
  let response;
  try {
    response = await fetch(url, { method: "POST", body, headers: { "X-Requested-With": "fetch" }, redirect: "manual" });
  } catch {
    return { html: null, problem: words.unreachable };
  }
  if (response.type === "opaqueredirect" || response.status === 403) return { html: null, problem: words.signedOut };
  if (!response.ok && response.status !== 503) return { html: null, problem: words.unreachable };
  return { html: await response.text(), problem: "" };
}

function drawBoxes(figure, image, results) {
  for (const face of results.querySelectorAll("[data-face]")) {
    const box = document.createElement("span");
    const number = document.createElement("span");
    box.className = "face-box";
    number.className = "face-box-number";
    number.textContent = face.dataset.face;
    box.hidden = true;
    box.append(number);
    figure.append(box);
    placeBox(box, boxOf(face.dataset), image);
    const mark = (active) => () => box.classList.toggle("face-box-active", active);
    for (const type of ["mouseenter", "focusin"]) face.addEventListener(type, mark(true));
    for (const type of ["mouseleave", "focusout"]) face.addEventListener(type, mark(false));
    box.addEventListener("click", () => face.scrollIntoView({ behavior: "smooth", block: "nearest" }));
  }
}
