/** The photos to be added on a person's page: chosen, dropped or pasted one after the other, shown, and left out again. */

import { receivePictures, setFiles } from "./drop.mjs";

for (const zone of document.querySelectorAll("[data-dropzone]")) start(zone);

function start(zone) {
  const input = zone.querySelector("input[type=file]");
  const status = zone.querySelector(".face-drop-status");
  const list = zone.querySelector(".face-previews");
  let chosen = [];

  const show = () => {
    setFiles(input, chosen);
    for (const image of list.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    list.replaceChildren(...chosen.map((file, index) => preview(file, zone.dataset.remove, () => leaveOut(index))));
    list.hidden = status.hidden = chosen.length === 0;
    status.textContent = `${zone.dataset.chosen} ${chosen.length}`;
  };
  const leaveOut = (index) => {
    chosen = chosen.filter((_file, other) => other !== index);
    show();
  };
  receivePictures(zone, input, (files) => {
    chosen = [...chosen, ...files];
    show();
  });
  input.form.addEventListener("submit", () => {
    if (chosen.length === 0) return;
    zone.classList.add("face-busy");
    status.textContent = zone.dataset.busy;
    status.scrollIntoView({ block: "nearest" });
  });
}

function preview(file, removeLabel, remove) {
  const item = document.createElement("li");
  const image = document.createElement("img");
  image.src = URL.createObjectURL(file);
  image.alt = "";
  const name = document.createElement("span");
  name.textContent = name.title = file.name;
  const button = document.createElement("button");
  button.type = "button";
  button.title = removeLabel;
  button.setAttribute("aria-label", `${removeLabel}: ${file.name}`);
  button.innerHTML = '<span class="material-symbols-outlined" aria-hidden="true">close</span>';
  button.addEventListener("click", remove);
  item.append(image, name, button);
  return item;
}
