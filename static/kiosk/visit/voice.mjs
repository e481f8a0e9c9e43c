// The button that takes what somebody says, and writes it into the field beside it.

import { $ } from "./dom.mjs";
import { asObject } from "./talk.mjs";

const SILENT = "没有听到说话";
const BUSY = ["繁忙", "较多"];

/** Makes the .voice block of a field work. Returns {render, stop}. */
export function voiceFor(kiosk, field) {
  const block = document.querySelector(`[data-voice="${field}"]`);
  const button = block.querySelector(".talk");
  const label = block.querySelector(".talk-label");
  const state = block.querySelector(".talk-state");
  let said = ""; // key of the state's text
  let partial = "";

  function render() {
    const on = kiosk.microphone.isOn && button.classList.contains("on");
    label.textContent = kiosk.words.t(on ? "voice.stop" : "voice.start");
    state.textContent = said ? kiosk.words.t(said) + partial : "";
  }

  function show(key, more = "") {
    said = key;
    partial = more;
    render();
  }

  async function hear() {
    kiosk.speaker.quiet();
    if (!(await kiosk.microphone.start())) {
      show("voice.denied");
      return;
    }
    button.classList.add("on");
    show("voice.listening");
    const sound = await kiosk.microphone.utterance();
    button.classList.remove("on");
    show("voice.thinking");
    const answer = await kiosk.api.ask("/stt?partial=1", sound, (data) => understood(data));
    if (answer === null) show("voice.off");
    else if (answer.text) {
      show("voice.heard", answer.text);
      $(field).value = answer.text;
      $(field).focus();
    } else show(answer.problem);
  }

  function understood(data) {
    const object = asObject(data);
    if (object?.message === "partial") {
      show("voice.heard", object.text);
      return undefined;
    }
    if (object?.message === "error") return { problem: problemOf(object.detail ?? "") };
    return { text: JSON.parse(data) };
  }

  button.addEventListener("click", () => {
    if (kiosk.microphone.isOn) kiosk.microphone.stop();
    else kiosk.run(hear);
  });
  return {
    render,
    stop() {
      kiosk.microphone.stop();
      button.classList.remove("on");
      show("");
    },
  };
}

function problemOf(detail) {
  if (detail.includes(SILENT)) return "voice.silent";
  return BUSY.some((word) => detail.includes(word)) ? "voice.busy" : "voice.off";
}
