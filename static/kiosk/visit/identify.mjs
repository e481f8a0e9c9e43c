// Consent, the camera, recognition, enrolment. Each has its way on without.

import { $, tell } from "./dom.mjs";
import { newNumber } from "./numbers.mjs";
import { Talk, asObject } from "./talk.mjs";

const STRANGER_AFTER = 4; // pictures in which nobody was known
const FRAME_MS = 250;
const FOUND_MS = 900;
const TOO_SMALL = "像素过小";
const HELLO = "您好"; // what the page says in the name of who was recognised, to be told their name

export function consentStep(kiosk) {
  $("consent-yes").addEventListener("click", () => {
    kiosk.visit.consented = true;
    kiosk.go("camera");
  });
  $("consent-no").addEventListener("click", () => kiosk.go("need"));
  return { stage: "who", spoken: ["consent.title", "consent.lead"] };
}

export function cameraStep(kiosk) {
  let mode = "starting";
  let verdict = ["camera.starting", {}];
  let talk = null;
  let turn = 0; // grows when what runs is not wanted any more

  const TITLES = {
    off: ["camera.deniedTitle", "camera.denied"],
    unknown: ["camera.unknownTitle", "camera.unknownLead"],
    failed: ["camera.failedTitle", "camera.failed"],
    enrolling: ["enrol.title", "enrol.lead"],
  };

  function render() {
    const [title, lead] = TITLES[mode] ?? ["camera.title", "camera.lead"];
    $("camera-title").textContent = kiosk.words.t(title);
    $("camera-lead").textContent = kiosk.words.t(lead);
    tell($("verdict"), kiosk.words.t(...verdict));
    $("camera").classList.toggle("off", mode === "off");
    $("mirror").classList.toggle("found", mode === "found");
    $("camera-again").hidden = !(mode === "failed" || mode === "off");
    $("camera-enrol").hidden = mode !== "unknown";
    $("camera-skip").hidden = mode === "found";
  }

  function set(next, key, values = {}) {
    const changed = next !== mode && next in TITLES;
    mode = next;
    verdict = [key, values];
    render();
    if (changed) kiosk.focusTitle();
  }

  /** Draws the frame around the face, in the picture's own pixels. */
  function frame(box, picture) {
    const rect = $("face-box");
    rect.toggleAttribute("hidden", !box);
    if (!box) return;
    $("frame").setAttribute("viewBox", `0 0 ${picture.width} ${picture.height}`);
    for (const [name, value] of Object.entries({ x: box.x, y: box.y, width: box.w, height: box.h })) rect.setAttribute(name, value);
  }

  async function begin(work) {
    turn += 1;
    talk?.end();
    set("starting", "camera.starting");
    frame(null);
    if (await kiosk.camera.start()) await work(turn);
    else set("off", "camera.denied");
    kiosk.renderWithdraw();
  }

  /** Sends pictures and hands each answer to `take`, until it says that it is done. */
  async function watch(mine, open, take) {
    talk = await open();
    while (mine === turn) {
      const picture = await kiosk.camera.frame();
      const answer = picture && mine === turn && asObject(await talk.ask(picture.blob));
      if (mine !== turn) return;
      if (picture && answer === null) talk = await open();
      else if (answer && take(answer, picture)) return;
      await kiosk.wait(FRAME_MS);
    }
  }

  async function look(mine) {
    let strangers = 0;
    set("looking", "camera.looking");
    await watch(
      mine,
      async () => new Talk(await kiosk.api.open("/face_predict?box=1")),
      (answer, picture) => {
        frame(answer.box, picture);
        if (answer.message === "success") {
          kiosk.run(() => found(answer.user_id));
          return true;
        }
        if (answer.message === "fail") {
          set("failed", "camera.failedTitle");
          return true;
        }
        const hint = hintOf(answer.detail ?? "");
        strangers += hint === "unknown" ? 1 : 0;
        const known = strangers < STRANGER_AFTER;
        set(known ? "looking" : "unknown", known && hint === "unknown" ? "camera.looking" : `camera.${hint}`);
        return !known;
      },
    );
    talk?.end();
  }

  function hintOf(detail) {
    if (detail.includes(TOO_SMALL)) return "tooSmall";
    return kiosk.boot.hints[detail] ?? (detail.includes("繁忙") ? "busy" : "looking");
  }

  async function found(number) {
    set("found", "camera.found");
    kiosk.visit.userId = number;
    kiosk.visit.recognised = true;
    const [hello] = await Promise.all([
      kiosk.api.post("handshake", { user_id: number, info: {}, input: { type: "text", text: HELLO } }),
      kiosk.wait(FOUND_MS),
    ]);
    Object.assign(kiosk.visit, { hash: hello.hash, name: hello.info.name ?? "" });
    kiosk.go("need");
  }

  async function enrol(mine) {
    const { visit } = kiosk;
    visit.userId = newNumber((bytes) => crypto.getRandomValues(bytes));
    set("enrolling", "camera.looking");
    await watch(
      mine,
      async () => {
        const opened = new Talk(await kiosk.api.open("/flow"));
        opened.tell(JSON.stringify({ user_id: visit.userId, hash: "", type: "face_train", consent: true }));
        return opened;
      },
      (answer, picture) => {
        frame(answer.box, picture);
        if (answer.message === "success") {
          visit.enrolled = true;
          set("found", "enrol.done");
          kiosk.run(async () => {
            await kiosk.wait(FOUND_MS);
            kiosk.go("need");
          });
          return true;
        }
        if (answer.message === "fail" || answer.type === "error") {
          set("failed", "enrol.failed");
          return true;
        }
        const taken = /(\d+)\/(\d+)/.exec(answer.detail ?? "");
        if (taken) set("enrolling", "enrol.progress", { count: taken[1], total: taken[2] });
        else set("enrolling", `camera.${hintOf(answer.detail ?? "")}`);
        return false;
      },
    );
    talk?.end();
  }

  $("camera-again").addEventListener("click", () => kiosk.run(() => begin(look)));
  $("camera-enrol").addEventListener("click", () => kiosk.run(() => begin(enrol)));
  $("camera-skip").addEventListener("click", () => kiosk.go("need"));

  return {
    stage: "who",
    spoken: ["camera.lead"],
    render,
    enter: () => kiosk.run(() => begin(look)),
    leave() {
      turn += 1;
      talk?.end();
      kiosk.camera.stop();
      frame(null);
    },
  };
}

/** A visit of its hash: of an enrolled stranger it is begun here, so that their consent can be taken back. */
export async function hashOf(kiosk) {
  const { visit } = kiosk;
  if (!visit.hash) {
    const hello = await kiosk.api.post("handshake", { user_id: visit.userId, info: {}, input: { type: "text", text: HELLO } });
    visit.hash = hello.hash;
  }
  return visit.hash;
}
