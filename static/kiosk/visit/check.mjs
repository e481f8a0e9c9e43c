// What was noted, to be checked and corrected; then it is stored.

import { $, fill, make, press, tell } from "./dom.mjs";
import { mask } from "./masking.mjs";
import { isOwnNumber, readNumber } from "./numbers.mjs";
import { answersFor, showAnswers } from "./options.mjs";
import { correction, recognise } from "./questions.mjs";
import { Refused } from "./api.mjs";
import { Talk, asObject } from "./talk.mjs";

const TAKEN = "身份证号与已有的登记冲突";
const FIXED = new Set(["age"]); // follows from the date of birth

export function checkStep(kiosk) {
  let info = {};
  let shown = false;
  let taken = false;
  let reply = null; // [key, values]
  let correcting = null;

  function spoken(slot, value) {
    if (slot === "marital_status" && typeof value === "boolean") return kiosk.words.t(value ? "yes" : "no");
    return kiosk.words.choice(shown ? String(value) : mask(slot, value));
  }

  function fact(slot) {
    const { words } = kiosk;
    const value = info[slot];
    const empty = value === null || value === undefined;
    const label = words.t(`slots.${slot}`);
    const button = make(
      "button",
      { type: "button", class: "button quiet", "aria-label": words.t("check.correctOne", { label }), onclick: () => correct(slot) },
      words.t("check.correct"),
    );
    return make(
      "div",
      { class: "fact" },
      make("dt", {}, label),
      make("dd", { class: empty ? "none" : "" }, empty ? words.t("check.empty") : spoken(slot, value)),
      ...(FIXED.has(slot) ? [] : [make("dd", { class: "way-on" }, button)]),
    );
  }

  function render() {
    const { words, visit, boot } = kiosk;
    const service = boot.services.find(({ name }) => name === visit.service) ?? { code: "", name: visit.service };
    $("check-service").textContent = words.service(service);
    $("check-show").textContent = words.t(shown ? "check.hide" : "check.show");
    press($("check-show"), shown);
    const slots = Object.keys(info).filter((slot) => info[slot] !== null || visit.askedKeys.has(slot));
    fill($("facts"), ...slots.map(fact));
    tell($("check-reply"), reply ? words.t(...reply) : "");
    $("taken").hidden = !taken;
    if (correcting) renderCorrecting();
  }

  async function load() {
    const { visit, api } = kiosk;
    const said = await api.post("handshake", { user_id: visit.userId, hash: visit.hash });
    info = said.info;
    visit.given = said.info;
    visit.masked = said.masked;
    render();
  }

  function correct(slot) {
    correcting = slot;
    $("correct-text").value = "";
    renderCorrecting();
    $("correct").showModal();
    $("correct-text").focus();
  }

  function renderCorrecting() {
    const { words, boot } = kiosk;
    $("correct-label").textContent = words.t("check.value", { label: words.t(`slots.${correcting}`) });
    const answers = answersFor({ slot: correcting, relation: "" }, boot.choices);
    showAnswers($("correct-options"), answers, { words, press: (one) => save(one) });
  }

  function save(value) {
    if (!value.trim()) return;
    $("correct").close();
    kiosk.run(() => change(correcting, value.trim()));
  }

  /** Says the correction over the flow socket, as a citizen would. */
  async function change(slot, value) {
    const { visit, api, boot } = kiosk;
    const { label } = boot.questions.find(({ key }) => key === slot);
    const talk = new Talk(await api.open("/flow"));
    let answer = await talk.ask(JSON.stringify({ user_id: visit.userId, type: "qna", hash: visit.hash }));
    if (answer === "") answer = await talk.ask(correction(label, value));
    talk.end();
    const error = asObject(answer);
    reply = error ? ["check.notTaken", { reason: error.detail ?? "" }] : null;
    if (!error && answer) {
      // The questions are open again: the value was not taken, or contradicts another.
      const asked = recognise(answer, boot.questions, boot.forks);
      if (asked) {
        kiosk.go("ask");
        return;
      }
    }
    await load();
    kiosk.focusTitle();
  }

  async function store() {
    const { visit, api } = kiosk;
    try {
      await api.post("storage", { user_id: visit.userId, hash: visit.hash });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      taken = error.message.includes(TAKEN);
      reply = taken ? null : ["check.notTaken", { reason: error.message }];
      render();
      (taken ? $("taken-number") : $("check-title")).focus();
      return;
    }
    const { output } = await api.post("summary", { user_id: visit.userId, hash: visit.hash });
    visit.summary = output;
    visit.storedAt = new Date();
    kiosk.go("done");
  }

  /** The same visit under the number of an earlier one, with everything that was said. */
  async function goOnAs(number) {
    const { visit, api } = kiosk;
    const given = Object.fromEntries(Object.entries(visit.given).filter(([slot]) => !visit.masked.includes(slot)));
    const said = await api.post("handshake", { user_id: number, info: given, input: { type: "text", text: `我要办${visit.service}` } });
    Object.assign(visit, { userId: number, hash: said.hash });
    kiosk.go("ask");
  }

  $("check-show").addEventListener("click", () => {
    shown = !shown;
    render();
  });
  $("check-store").addEventListener("click", () => kiosk.run(store));
  $("correct-cancel").addEventListener("click", () => $("correct").close());
  $("correct-form").addEventListener("submit", (event) => {
    event.preventDefault();
    save($("correct-text").value);
  });
  $("correct").addEventListener("close", () => {
    $("correct-text").value = "";
  });
  $("taken").addEventListener("submit", (event) => {
    event.preventDefault();
    const number = readNumber($("taken-number").value);
    if (isOwnNumber(number)) kiosk.run(() => goOnAs(number));
    else {
      reply = ["need.wrong", {}];
      render();
    }
  });

  return {
    stage: "check",
    render,
    spoken: ["check.title", "check.lead"],
    enter() {
      shown = false;
      taken = false;
      reply = null;
      info = {};
      correcting = null;
      render();
      kiosk.run(load);
    },
    leave() {
      if ($("correct").open) $("correct").close();
      fill($("facts"));
      $("taken-number").value = "";
    },
  };
}
