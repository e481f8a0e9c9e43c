// The questions, one by one, over the flow socket. What is typed stays until the server has taken it.

import { $, make, press, tell } from "./dom.mjs";
import { answersFor, areMany, showAnswers } from "./options.mjs";
import { inputMode, isSecret, recognise, sentences } from "./questions.mjs";
import { Talk, asObject } from "./talk.mjs";

import { voiceFor } from "./voice.mjs";

const SKIP = "跳过";
const WHY = "为什么要问这个";
const GONE = ["尚未握手", "过期", "已结束"];

export function askStep(kiosk) {
  const voice = voiceFor(kiosk, "ask-text");
  let talk = null;
  let sentence = "";
  let asked = null;
  let all = false;
  let shown = false; // numbers, by the citizen's wish
  let sending = false;
  let problem = "";

  /** The question and what was said before it. */
  function parts() {
    if (asked && !asked.answers) return [asked.before, sentence.slice(asked.before.length)];
    const said = sentences(sentence);
    return [said.slice(0, -1).join(""), said.at(-1) ?? ""];
  }

  function render() {
    const { words, visit } = kiosk;
    const [before, question] = parts();
    const english = words.isEnglish ? words.lookUp("asks")[asked?.key] : undefined;
    $("ask-count").textContent = words.t("ask.of", { count: visit.asked });
    $("question").textContent = english ?? question;
    $("question").dataset.key = asked?.key ?? "";
    $("question").lang = words.isEnglish && !english ? "zh-Hans" : document.documentElement.lang;
    tell($("ask-note"), problem || (english ? noteInEnglish(before) : before));
    tell($("ask-original"), words.isEnglish && english ? sentence : "");
    renderInput();
    renderOptions();
    voice.render();
  }

  function noteInEnglish(before) {
    const said = sentences(before);
    const known = said.map((one) => kiosk.words.lookUp("sentences")[one]);
    const odd = known.some((one) => one === undefined) || asked.attempt > 0;
    return [...new Set([...known.filter(Boolean), ...(odd ? [kiosk.words.t("ask.again")] : [])])].join(" ");
  }

  function renderInput() {
    const secret = isSecret(asked?.slot);
    $("ask-text").classList.toggle("hide", secret && !shown);
    $("ask-text").inputMode = inputMode(asked?.slot);
    $("ask-show").hidden = !secret;
    $("ask-show").textContent = kiosk.words.t(shown ? "ask.hide" : "ask.show");
    press($("ask-show"), shown);
  }

  function renderOptions() {
    const { words, boot } = kiosk;
    const answers = answersFor(asked, boot.choices);
    const many = areMany(answers);
    const search = many ? $("option-find").value : "";
    showAnswers($("options"), answers, { words, all: all || !many, search, press: send });
    $("option-search").hidden = !(many && all);
    if (!many) return;
    const more = words.t(all ? "ask.less" : "ask.more");
    $("options").append(make("button", { type: "button", class: "tile", "aria-expanded": String(all), onclick: toggleAll }, more));
  }

  function toggleAll() {
    all = !all;
    $("option-find").value = "";
    renderOptions();
    if (all) $("option-find").focus();
    else $("question").focus();
  }

  /** Opens the socket and asks where the questions stand. */
  async function connect() {
    talk?.end();
    talk = new Talk(await kiosk.api.open("/flow"));
    const { userId, hash } = kiosk.visit;
    return talk.ask(JSON.stringify({ user_id: userId, type: "qna", hash }));
  }

  async function begin() {
    let data = await connect();
    while (data === null) data = await connect();
    take(data);
  }

  function send(text) {
    if (!text.trim() || sending) return;
    sending = true;
    kiosk.run(async () => {
      try {
        let data = await talk.ask(text.trim());
        while (data === null) {
          // The connection was lost. Where the same question is still open, the answer was not taken.
          data = await connect();
          if (data !== null && data !== "" && sentence.endsWith(data)) data = await talk.ask(text.trim());
        }
        take(data);
      } finally {
        sending = false;
      }
    });
  }

  function take(data) {
    const error = asObject(data);
    if (error !== null) {
      if (GONE.some((word) => (error.detail ?? "").includes(word))) kiosk.expired();
      else {
        problem = error.detail ?? "";
        render();
      }
      return;
    }
    problem = "";
    if (data === "") {
      kiosk.go("check");
      return;
    }
    const before = asked?.key;
    sentence = data;
    asked = recognise(data, kiosk.boot.questions, kiosk.boot.forks);
    if (asked?.key !== before || !asked) {
      kiosk.visit.asked += 1;
      all = false;
      shown = false;
    }
    if (asked && !asked.answers) kiosk.visit.askedKeys.add(asked.key);
    $("ask-text").value = "";
    $("option-find").value = "";
    voice.stop();
    render();
    kiosk.focusTitle();
    kiosk.say(sentence, $("question").textContent);
  }

  $("ask-form").addEventListener("submit", (event) => {
    event.preventDefault();
    send($("ask-text").value);
  });
  $("ask-show").addEventListener("click", () => {
    shown = !shown;
    renderInput();
  });
  $("option-find").addEventListener("input", () => {
    const { words, boot } = kiosk;
    showAnswers($("options"), answersFor(asked, boot.choices), { words, search: $("option-find").value, press: send });
  });
  $("ask-skip").addEventListener("click", () => send(SKIP));
  $("ask-why").addEventListener("click", () => send(WHY));
  $("ask-repeat").addEventListener("click", () => kiosk.say(sentence, $("question").textContent));

  return {
    stage: "ask",
    render,
    enter() {
      sentence = "";
      asked = null;
      problem = "";
      kiosk.run(begin);
    },
    leave() {
      voice.stop();
      talk?.end();
      talk = null;
      $("ask-text").value = "";
    },
  };
}
