// The visit: which step is shown, what is known of it (in memory alone), and how it ends.

import { Api, NotRegistered, Refused, Stopped } from "./api.mjs";
import { askStep } from "./ask.mjs";
import { Camera } from "./camera.mjs";
import { checkStep } from "./check.mjs";
import { $, press, tell } from "./dom.mjs";
import { doneStep } from "./done.mjs";
import { guideStep } from "./guide.mjs";
import { cameraStep, consentStep, hashOf } from "./identify.mjs";
import { IdleWatch } from "./idle.mjs";
import { Microphone } from "./microphone.mjs";
import { needStep } from "./need.mjs";
import { newNumber } from "./numbers.mjs";
import { Speaker } from "./speaker.mjs";
import { Words } from "./words.mjs";

const TICK_MS = 500;
const BACK_MS = 4000;

class Kiosk {
  constructor(boot) {
    this.boot = boot;
    this.words = new Words(boot.words, boot.language);
    this.api = new Api({
      urls: boot.urls,
      origin: location.origin,
      fetch: (url, options) => fetch(url, options),
      WebSocket,
      onNet: (state) => this.net(state),
    });
    this.speaker = new Speaker(this.api);
    this.camera = new Camera($("video"));
    this.microphone = new Microphone();
    this.visit = {
      userId: newNumber((bytes) => crypto.getRandomValues(bytes)),
      hash: "",
      name: "",
      consented: false,
      recognised: false,
      enrolled: false,
      service: "",
      flow: "",
      materials: [],
      info: null,
      asked: 0,
      askedKeys: new Set(),
    };
    this.notice = null;
    this.current = "welcome";
    this.steps = {
      welcome: {},
      closed: {},
      consent: consentStep(this),
      camera: cameraStep(this),
      need: needStep(this),
      guide: guideStep(this),
      ask: askStep(this),
      check: checkStep(this),
      done: doneStep(this),
    };
    this.idle = new IdleWatch({
      idle: boot.idleSeconds,
      onCount: (left) => this.countDown(left),
      onBack: () => $("idle").close(),
      onEnd: () => this.wipe(),
    });
  }

  wait(ms) {
    return new Promise((done) => setTimeout(done, ms));
  }

  /** Shows a step, tells it, and puts the focus on its heading. */
  go(name) {
    if (this.api.stopped) return;
    this.steps[this.current].leave?.();
    this.current = name;
    for (const section of document.querySelectorAll(".step")) section.hidden = section.dataset.step !== name;
    $("foot").hidden = name === "welcome" || name === "closed";
    if (name === "welcome" || name === "closed") this.idle.stop();
    else if (this.idle.ended) this.idle.start();
    this.problem("");
    this.renderStages();
    this.renderWithdraw();
    const step = this.steps[name];
    step.enter?.();
    step.render?.();
    window.scrollTo(0, 0);
    this.focusTitle();
    if (step.spoken) this.say(...this.spoken(step.spoken));
  }

  /** Texts of the page in Chinese and in English. */
  spoken(keys) {
    const inOf = (language) => keys.map((key) => new Words(this.boot.words, language).t(key)).join("");
    return [inOf("zh-hans"), inOf("en")];
  }

  /** Speaks in the language of the moment. */
  say(chinese, english) {
    this.run(() => (this.words.isEnglish ? this.speaker.say(english, "en") : this.speaker.say(chinese, "zh-hans")));
  }

  focusTitle() {
    document.querySelector(`.step[data-step="${this.current}"] h1`)?.focus({ preventScroll: true });
  }

  /** Runs what may wait for the server; what goes wrong is said on the screen, with a way on. */
  async run(work) {
    try {
      await work();
    } catch (error) {
      if (error instanceof Stopped) return;
      if (error instanceof NotRegistered) this.go("closed");
      else if (error instanceof Refused && /过期|已结束|尚未握手/.test(error.message)) this.expired();
      else if (error instanceof Refused) this.problem(this.words.isEnglish ? "" : error.message, true);
      else throw error;
    }
  }

  // The server

  net(state) {
    const shown = { away: "net.away", busy: "net.busy" }[state];
    if (shown) this.problem(this.words.t(shown), false, state === "away" ? "net.awayHelp" : "");
    else if (this.notice === "away") {
      this.problem("");
      tell($("net"), this.words.t("net.back"));
      $("net").classList.add("good");
      clearTimeout(this.backTimer);
      this.backTimer = setTimeout(() => this.notice === null && tell($("net"), ""), BACK_MS);
    } else if (this.notice === "busy") this.problem("");
    this.notice = shown ? state : null;
  }

  /** A line above the step: `text`, or where it is empty and `failed`, that it did not work. */
  problem(text, failed = false, more = "") {
    $("net").classList.remove("good");
    const said = failed ? [this.words.t("net.failed"), text].filter(Boolean).join(" ") : text;
    if (!said && this.notice) return;
    tell($("net"), [said, more && this.words.t(more)].filter(Boolean).join(" "));
    if (failed) this.notice = null;
  }

  /** The visit's hash opens nothing any more. */
  expired() {
    this.problem(this.words.t("net.expired"));
    this.wait(BACK_MS).then(() => this.wipe());
  }

  // The frame

  renderStages() {
    const stage = this.steps[this.current].stage;
    $("stages").hidden = !stage;
    let past = true;
    for (const item of $("stages").querySelectorAll("li")) {
      const here = item.dataset.stage === stage;
      if (here) past = false;
      item.classList.toggle("past", past);
      if (here) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
  }

  renderWithdraw() {
    $("withdraw").hidden = !(this.visit.consented && this.current !== "done");
  }

  render() {
    this.words.apply(document);
    $("tool-language").lang = this.words.isEnglish ? "zh-Hans" : "en";
    $("tool-language").setAttribute("aria-label", this.words.t("bar.languageLabel"));
    this.steps[this.current].render?.();
  }

  toggleLanguage() {
    this.speaker.quiet();
    this.words.toggle();
    this.render();
  }

  /** Switches a look on or off, for this visit. */
  toggleLook(name) {
    const on = document.documentElement.classList.toggle(name);
    press($(`tool-${name}`), on);
  }

  toggleSound() {
    this.speaker.on = !this.speaker.on;
    if (!this.speaker.on) this.speaker.quiet();
    press($("tool-sound"), this.speaker.on);
  }

  // Consent

  /** The camera is off at once; a face that is kept is erased, of somebody who was known before only if they say so. */
  async withdraw() {
    this.camera.stop();
    if (this.visit.recognised && !this.visit.enrolled) $("withdraw-dialog").showModal();
    else await this.withdrawNow(this.visit.enrolled);
  }

  async withdrawNow(erase) {
    const { visit } = this;
    $("withdraw-dialog").close();
    let said = erase ? "consent.erased" : "consent.withdrawn";
    if (erase) {
      try {
        await this.api.withdraw({ user_id: visit.userId, hash: await hashOf(this) });
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        said = "consent.eraseFailed";
      }
    }
    Object.assign(visit, { consented: false, recognised: false, enrolled: false });
    if (this.current === "camera") this.go("need");
    else this.render();
    this.renderWithdraw();
    this.announceNotice(said);
  }

  announceNotice(key) {
    tell($("net"), this.words.t(key));
    $("net").classList.add("good");
  }

  // The end

  countDown(left) {
    $("idle-lead").textContent = this.words.t("idle.lead", { seconds: left });
    $("idle-count").textContent = left;
    if ($("idle").open) return;
    this.speaker.quiet();
    $("idle").showModal();
  }

  /** Forgets everything: what runs is stopped, what was typed is emptied, and the page begins anew with an empty memory. */
  wipe() {
    this.idle.stop();
    this.api.stop();
    this.speaker.quiet();
    this.microphone.stop();
    this.camera.stop();
    this.steps[this.current].leave?.();
    for (const field of document.querySelectorAll("input")) field.value = "";
    document.body.hidden = true;
    this.visit = null;
    location.replace(location.pathname);
  }

  // Beginning

  bind() {
    const on = (id, work) => $(id).addEventListener("click", work);
    on("start-face", () => this.go("consent"));
    on("start-plain", () => this.go("need"));
    on("tool-language", () => this.toggleLanguage());
    on("tool-large", () => this.toggleLook("large"));
    on("tool-contrast", () => this.toggleLook("contrast"));
    on("tool-sound", () => this.toggleSound());
    on("withdraw", () => this.run(() => this.withdraw()));
    on("withdraw-erase", () => this.run(() => this.withdrawNow(true)));
    on("withdraw-only", () => this.run(() => this.withdrawNow(false)));
    on("withdraw-cancel", () => $("withdraw-dialog").close());
    on("help", () => $("help-dialog").showModal());
    on("help-close", () => $("help-dialog").close());
    on("leave", () => $("leave-dialog").showModal());
    on("leave-no", () => $("leave-dialog").close());
    on("leave-yes", () => this.wipe());
    on("idle-stay", () => this.idle.stay());
    on("idle-wipe", () => this.wipe());
    $("idle").addEventListener("cancel", (event) => {
      event.preventDefault();
      this.idle.stay();
    });
    for (const kind of ["pointerdown", "keydown", "input"]) {
      document.addEventListener(kind, () => this.idle.touch(), { capture: true, passive: true });
    }
    // A page that comes back from the browser's memory would bring the visit before with it.
    addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
    setInterval(() => this.idle.tick(), TICK_MS);
  }

  async begin() {
    this.render();
    this.bind();
    document.documentElement.dataset.ready = "";
    await this.run(() => this.api.token());
  }
}

new Kiosk(JSON.parse($("boot").textContent)).begin();
