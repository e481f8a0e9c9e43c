import assert from "node:assert/strict";
import { test } from "node:test";

import { followEvents } from "../../static/analytics/events.mjs";

/** A page's end of the event socket, with a clock of the test's own. */
function page(options = {}) {
  const sockets = [];
  const timers = [];
  const told = [];
  class WebSocket {
    constructor(url) {
      Object.assign(this, { url, sent: [], readyState: 0 });
      sockets.push(this);
    }
    send(text) {
      this.sent.push(JSON.parse(text));
    }
    close() {
      this.onclose();
    }
    open() {
      this.readyState = 1;
      this.onopen();
    }
    say(message) {
      this.onmessage({ data: JSON.stringify(message) });
    }
  }
  const follow = followEvents({
    url: "ws://hall/admin/events",
    configuration: () => ({ with_face_image: true }),
    since: "first",
    onEvent: (event) => told.push(event.event_id),
    onState: (state) => told.push(state),
    onLost: (lost) => told.push(`lost ${lost}`),
    WebSocket,
    setTimeout: (run, ms) => timers.push({ run, ms }) - 1,
    clearTimeout: (number) => delete timers[number],
    ...options,
  });
  return { sockets, timers, told, follow };
}

test("configures itself and tells of events and of what was lost", () => {
  const { sockets, told } = page();
  sockets[0].open();
  assert.deepEqual(sockets[0].sent, [{ with_face_image: true, heartbeat: 10, since: "first" }]);
  sockets[0].say({ type: "event", message: "heartbeat", timestamp: 1 });
  sockets[0].say({ event_id: "a" });
  sockets[0].say({ type: "event", message: "lost", lost: 3, after: "a" });
  assert.deepEqual(told, ["connecting", "live", "a", "lost 3"]);
});

test("a lost connection goes on after the last event, with growing pauses", () => {
  const { sockets, timers } = page();
  sockets[0].open();
  sockets[0].say({ event_id: "b" });
  sockets[0].onclose();
  const first = timers.at(-1);
  first.run();
  sockets[1].onclose();
  const second = timers.at(-1);
  assert.equal(second.ms, 2 * first.ms);
  second.run();
  sockets[2].open();
  assert.equal(sockets[2].sent[0].since, "b");
});

test("a connection that died without a word is noticed", () => {
  const { sockets, timers, told } = page();
  sockets[0].open();
  timers.findLast((timer) => timer?.ms === 25000).run();
  assert.equal(told.at(-1), "lost");
});

test("an event that is forgotten meanwhile is no dead end", () => {
  const { sockets } = page();
  sockets[0].open();
  sockets[0].say({ type: "event", message: "error", detail: "since: 没有这个 event_id" });
  assert.deepEqual(sockets[0].sent.at(-1), { with_face_image: true, heartbeat: 10 });
});

test("closed on purpose, it stays closed", () => {
  const { sockets, timers, follow } = page();
  sockets[0].open();
  follow.close();
  assert.equal(timers.filter(Boolean).length, 0);
  assert.equal(sockets.length, 1);
});
