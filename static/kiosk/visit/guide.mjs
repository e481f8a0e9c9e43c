// What to do and what to bring: the service's own words, spoken too.

import { $, fill, make, tell } from "./dom.mjs";

export function guideStep(kiosk) {
  function render() {
    const { words, visit } = kiosk;
    const service = kiosk.boot.services.find(({ name }) => name === visit.service) ?? { code: "", name: visit.service };
    $("guide-title").textContent = words.t("guide.title", { name: words.service(service) });
    tell($("guide-chinese"), words.isEnglish ? words.t("guide.chinese") : "");
    $("guide-flow").textContent = visit.flow;
    fill($("guide-materials"), ...visit.materials.map((one) => make("li", {}, one)));
    $("guide-nothing").hidden = visit.materials.length > 0;
    $("guide-next").textContent = words.t("guide.next");
  }

  $("guide-next").addEventListener("click", () => kiosk.go("ask"));
  $("guide-other").addEventListener("click", () => kiosk.go("need"));
  $("guide-read").addEventListener("click", () => kiosk.speaker.say(kiosk.visit.flow, "zh-hans"));

  return {
    stage: "guide",
    render,
    enter() {
      render();
      kiosk.say(kiosk.visit.flow, "");
    },
  };
}
