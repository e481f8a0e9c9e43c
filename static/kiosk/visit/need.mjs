// What do you need: said, typed, or one of the services on the screen.

import { $, fill, make, tell } from "./dom.mjs";
import { isOwnNumber, readNumber } from "./numbers.mjs";
import { sentences } from "./questions.mjs";
import { voiceFor } from "./voice.mjs";

const COMMON = 10;

export function needStep(kiosk) {
  const voice = voiceFor(kiosk, "need-text");
  let reply = "";
  let candidates = [];
  let used = "";

  function tile(service) {
    const name = kiosk.words.service(service);
    const both = name === service.name ? [] : [make("small", { lang: "zh-Hans" }, service.name)];
    return make("li", {}, make("button", { type: "button", class: "tile", onclick: () => wish(`我要办${service.name}`) }, name, ...both));
  }

  function renderFound() {
    const asked = $("service-find").value.trim().toLowerCase();
    const found = kiosk.boot.services.filter(
      (service) => service.name.includes(asked) || kiosk.words.service(service).toLowerCase().includes(asked),
    );
    fill($("services-found"), ...found.map(tile));
    $("services-none").hidden = found.length > 0;
  }

  function render() {
    const { words, visit, boot } = kiosk;
    const greeted = visit.recognised || visit.enrolled;
    $("greeting").textContent = greeted ? words.t(visit.name ? "need.hello" : "need.helloUnknown", { name: visit.name }) : "";
    fill($("services"), ...boot.services.slice(0, COMMON).map(tile));
    renderFound();
    tell($("need-reply"), words.isEnglish ? inEnglish(reply) : reply);
    $("need-reply").lang = words.isEnglish && inEnglish(reply) !== reply ? "en" : "zh-Hans";
    $("candidates").hidden = candidates.length === 0;
    fill($("candidates"), ...candidates.map((one) => tile(one).firstChild));
    $("before").hidden = greeted;
    $("number-used").textContent = used ? words.t(used) : "";
    voice.render();
  }

  /** The sentences that are known in English; the whole in Chinese where one is not. */
  function inEnglish(text) {
    if (candidates.length > 0) return kiosk.words.t("need.which");
    const known = sentences(text).map((one) => kiosk.words.lookUp("sentences")[one]);
    return known.length > 0 && known[0] ? known.filter(Boolean).join(" ") : text;
  }

  async function ask(text) {
    const { visit, api } = kiosk;
    const said = await api.post("handshake", {
      user_id: visit.userId,
      ...(visit.hash && { hash: visit.hash }),
      info: visit.info ?? {},
      input: { type: "text", text },
    });
    Object.assign(visit, { hash: said.hash, info: null });
    if (said.classify) {
      Object.assign(visit, { service: said.classify, flow: said.flow, materials: said.materials, asked: 0 });
      kiosk.go("guide");
      return;
    }
    reply = said.flow;
    candidates = said.candidates;
    render();
    kiosk.say(said.flow, $("need-reply").textContent);
  }

  function wish(text) {
    if (text.trim()) kiosk.run(() => ask(text.trim()));
  }

  $("need-form").addEventListener("submit", (event) => {
    event.preventDefault();
    wish($("need-text").value);
  });
  $("services-all").addEventListener("click", () => {
    const open = $("services-more").hidden;
    $("services-more").hidden = !open;
    $("services-all").setAttribute("aria-expanded", String(open));
    if (open) $("service-find").focus();
  });
  $("service-find").addEventListener("input", renderFound);
  $("number-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const number = readNumber($("number-text").value);
    used = isOwnNumber(number) ? "need.used" : "need.wrong";
    if (isOwnNumber(number)) Object.assign(kiosk.visit, { userId: number, hash: "" });
    render();
  });

  return {
    stage: "need",
    render,
    spoken: ["need.title", "need.lead"],
    enter() {
      reply = "";
      candidates = [];
      used = "";
      $("need-text").value = "";
      render();
    },
    leave: () => voice.stop(),
  };
}
