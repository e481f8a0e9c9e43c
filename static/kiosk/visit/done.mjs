// Done: the number to follow up, what to bring, what was registered; on paper too.

import { $, fill, make } from "./dom.mjs";
import { mask, maskNumber } from "./masking.mjs";

export function doneStep(kiosk) {
  function value(slot, found) {
    if (slot === "marital_status" && typeof found === "boolean") return kiosk.words.t(found ? "yes" : "no");
    return kiosk.words.choice(mask(slot, found));
  }

  function table(row, header) {
    const { words } = kiosk;
    const known = header.filter(({ key }) => key !== "relation" && row[key] !== null && row[key] !== undefined);
    const rows = known.map(({ key }) =>
      make("tr", {}, make("th", { scope: "row" }, words.t(`slots.${key}`)), make("td", {}, value(key, row[key]))),
    );
    return make("table", { class: "rows" }, make("caption", {}, words.relation(row.relation)), make("tbody", {}, ...rows));
  }

  function render() {
    const { words, visit, boot } = kiosk;
    const service = boot.services.find(({ name }) => name === visit.service) ?? { code: "", name: visit.service };
    $("done-number").textContent = maskNumber(visit.userId);
    $("done-service").textContent = words.service(service);
    $("done-date").textContent = new Intl.DateTimeFormat(words.isEnglish ? "en-GB" : "zh-CN", { dateStyle: "long", timeStyle: "short" }).format(
      visit.storedAt,
    );
    $("done-flow").textContent = visit.flow;
    fill($("done-materials"), ...visit.materials.map((one) => make("li", {}, one)));
    fill($("done-tables"), ...visit.summary.tables.map((row) => table(row, visit.summary.header)));
  }

  $("done-print").addEventListener("click", () => globalThis.print());
  $("done-finish").addEventListener("click", () => kiosk.wipe());
  $("done-again").addEventListener("click", () => {
    Object.assign(kiosk.visit, { hash: "", summary: null, askedKeys: new Set() });
    kiosk.go("need");
  });

  return { stage: "done", render, enter: render, spoken: ["done.title", "done.lead"] };
}
