/** The live wall: a card for each event, the newest first; blacklist and VIP stand out by colour, words and, if wanted, a tone. */

import { followEvents } from "./events.mjs";

const ICONS = { blacklist: "block", vip: "star" };

const page = document.querySelector("[data-wall]");
if (page !== null) start(page, JSON.parse(document.getElementById("wall-data").textContent));

function start(page, wall) {
  const words = page.dataset;
  const cards = page.querySelector("[data-cards]");
  const state = page.querySelector("[data-state]");
  const alertBox = page.querySelector("[data-alert]");
  const type = page.querySelector("[data-type]");
  const device = page.querySelector("[data-device]");
  const sound = page.querySelector("[data-sound]");
  const opened = Date.now();
  const known = new Set();

  const texts = { connecting: words.connecting, live: words.live, lost: words.lost };
  const url = new URL(wall.socket, location.href);
  url.protocol = url.protocol.replace("http", "ws");

  const show = () => {
    for (const card of cards.children) card.hidden = !matches(card.dataset);
    page.querySelector("[data-empty]").hidden = [...cards.children].some((card) => !card.hidden);
  };
  const matches = (data) => (!type.value || data.userType === type.value) && (!device.value || data.deviceId === device.value);

  followEvents({
    url: url.href,
    configuration: () => ({ with_face_image: true, with_register_image: true }),
    since: wall.since,
    onState: (name) => {
      page.dataset.connection = name;
      state.textContent = texts[name];
    },
    onLost: () => tell(alertBox, words.missed),
    onEvent: (event) => {
      // After a reconnection, an event may be told a second time.
      if (known.has(event.event_id)) return;
      known.add(event.event_id);
      const card = cardOf(event, wall, words);
      cards.prepend(card);
      while (cards.children.length > wall.shown) {
        known.delete(cards.lastElementChild.dataset.eventId);
        cards.lastElementChild.remove();
      }
      show();
      if (ICONS[event.user_type] === undefined || event.timestamp < opened || !matches(card.dataset)) return;
      tell(alertBox, announcement(event, wall, words));
      if (sound.checked) chime(event.user_type);
    },
  });
  for (const filter of [type, device]) filter.addEventListener("change", show);
  sound.addEventListener("change", () => sound.checked && chime("vip"));
}

function tell(box, text) {
  box.textContent = text;
  box.hidden = false;
}

function nameOf(event, wall) {
  return event.identity_name || `${wall.types.stranger} ${event.identity_id.slice(0, 6)}`;
}

function announcement(event, wall, words) {
  const values = { type: wall.types[event.user_type], name: nameOf(event, wall), device: deviceOf(event, wall) };
  return words.announce.replace(/\{(\w+)\}/g, (_all, key) => values[key]);
}

function deviceOf(event, wall) {
  return wall.devices[event.media_device_id] ?? event.media_device_ip;
}

function cardOf(event, wall, words) {
  const card = element("li", `wall-card cam-type-${event.user_type}`);
  Object.assign(card.dataset, { eventId: event.event_id, userType: event.user_type, deviceId: event.media_device_id });
  const pictures = element("div", "wall-pictures");
  pictures.append(picture(event.recognize_face_image, words.face, words.noPicture));
  if (event.register_image) pictures.append(picture(event.register_image, words.registered, words.noPicture));
  const badge = element("span", "cam-type", wall.types[event.user_type] ?? event.user_type);
  if (ICONS[event.user_type] !== undefined) {
    const icon = element("span", "material-symbols-outlined", ICONS[event.user_type]);
    icon.setAttribute("aria-hidden", "true");
    badge.prepend(icon);
  }
  const time = element("time", "", new Date(event.timestamp).toLocaleTimeString(document.documentElement.lang || undefined));
  time.dateTime = new Date(event.timestamp).toISOString();
  const where = element("small", "", `${deviceOf(event, wall)} · ${words.similarity} ${event.score.toFixed(1)}`);
  card.append(pictures, badge, element("strong", "", nameOf(event, wall)), time, where);
  return card;
}

function picture(url, alt, missing) {
  if (!url?.startsWith("data:image/jpeg;base64,") || url.length < 30) {
    const none = element("span", "cam-face cam-face-none material-symbols-outlined", "no_accounts");
    none.title = missing;
    return none;
  }
  const image = element("img", "cam-face");
  Object.assign(image, { src: url, alt, width: 144, height: 144 });
  return image;
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

/** Two tones, rising for a VIP, falling for the blacklist; made here, nothing is loaded. */
function chime(userType) {
  const context = new AudioContext();
  const tones = userType === "vip" ? [660, 880] : [880, 440];
  tones.forEach((hertz, index) => {
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = hertz;
    volume.gain.value = 0.1;
    tone.connect(volume).connect(context.destination);
    tone.start(context.currentTime + index * 0.18);
    tone.stop(context.currentTime + index * 0.18 + 0.16);
  });
  setTimeout(() => context.close(), 1000);
}
