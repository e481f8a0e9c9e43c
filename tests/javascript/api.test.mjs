import assert from "node:assert/strict";
import test from "node:test";

import { Api, NotRegistered, Refused, Stopped } from "../../static/kiosk/visit/api.mjs";

const PASS = { pass: "pass.x", seconds: 900 };

/** An Api before a server that gives these answers, one after the other: objects, an Error (away), or a status. */
function before(answers, { pass = [PASS] } = {}) {
  const seen = { requests: [], net: [], waits: 0, clock: 0 };
  const passes = [...pass];
  const rest = [...answers];
  const api = new Api({
    urls: { pass: "/kiosk/pass", withdraw: "/kiosk/withdraw" },
    origin: "http://hall",
    fetch: async (url, options) => {
      const answer = url.endsWith("/pass") ? (passes.length > 1 ? passes.shift() : passes[0]) : rest.shift();
      if (!url.endsWith("/pass")) seen.requests.push({ url, body: JSON.parse(options.body), token: options.headers.Authorization });
      if (answer instanceof Error) throw answer;
      if (typeof answer === "number") return { status: answer, json: async () => Promise.reject(new SyntaxError()) };
      return { status: 200, json: async () => answer };
    },
    WebSocket: null,
    onNet: (state) => seen.net.push(state),
    wait: async () => {
      seen.waits += 1;
      seen.onWait?.();
    },
    now: () => seen.clock,
  });
  return { api, seen };
}

const OK = { type: "handshake", hash: "h" };

test("an answer, with the pass", async () => {
  const { api, seen } = before([OK]);
  assert.deepEqual(await api.post("handshake", { user_id: "a" }), OK);
  assert.deepEqual(seen.requests, [{ url: "http://hall/handshake", body: { type: "handshake", user_id: "a" }, token: "Bearer pass.x" }]);
});

test("without a pass no token is sent", async () => {
  const { api, seen } = before([OK], { pass: [{ pass: "", seconds: 900 }] });
  await api.post("handshake", {});
  assert.equal(seen.requests[0].token, undefined);
});

const UNTIL = {
  busy: [{ type: "busy" }, { type: "busy" }, OK],
  processing: [{ type: "processing", hash: "h" }, OK],
  away: [new TypeError("away"), 502, 503, 200, OK],
};
for (const [name, answers] of Object.entries(UNTIL)) {
  test(`waits while the server is ${name}`, async () => {
    const { api, seen } = before(answers);
    assert.equal(await api.post("handshake", { user_id: "a" }), OK);
    assert.equal(seen.waits, answers.length - 1);
    if (name === "processing") assert.equal(seen.requests[1].body.hash, "h", "the result is asked for by its hash");
    if (name === "away") assert.ok(seen.net.includes("away") && seen.net.includes("back"));
  });
}

test("does not wait for ever while it is busy", async () => {
  const { api } = before(Array.from({ length: 50 }, () => ({ type: "busy", detail: "较多" })));
  await assert.rejects(api.post("handshake", {}), Refused);
});

test("an error is refused with its reason", async () => {
  const { api } = before([{ type: "error", detail: "会话已过期" }]);
  await assert.rejects(api.post("storage", {}), (error) => error instanceof Refused && error.message === "会话已过期");
});

test("a browser that nobody registered", async () => {
  const { api } = before([], { pass: [{ pass: null, seconds: 0 }] });
  await assert.rejects(api.post("handshake", {}), NotRegistered);
});

test("a pass is renewed before it ends", async () => {
  const { api, seen } = before([OK, OK, OK], { pass: [PASS, { pass: "pass.y", seconds: 900 }] });
  await api.post("handshake", {});
  seen.clock = 830_000;
  await api.post("handshake", {});
  seen.clock = 850_000;
  await api.post("handshake", {});
  assert.deepEqual(seen.requests.map(({ token }) => token), ["Bearer pass.x", "Bearer pass.x", "Bearer pass.y"]);
});

const REFUSED = { type: "error", detail: "缺少访问令牌或令牌无效" };

test("a pass that is refused is renewed, once", async () => {
  const { api, seen } = before([REFUSED, OK], { pass: [PASS, { pass: "pass.y", seconds: 900 }] });
  assert.equal(await api.post("handshake", {}), OK);
  assert.deepEqual(seen.requests.map(({ token }) => token), ["Bearer pass.x", "Bearer pass.y"]);
  const { api: other } = before([REFUSED, REFUSED, OK]);
  await assert.rejects(other.post("handshake", {}), Refused);
});

test("a kiosk whose token is revoked is closed", async () => {
  const { api } = before([REFUSED], { pass: [PASS, { pass: null, seconds: 0 }] });
  await assert.rejects(api.post("handshake", {}), NotRegistered);
});

test("what waits ends with the visit", async () => {
  const { api, seen } = before([new TypeError("away"), OK]);
  seen.onWait = () => api.stop();
  await assert.rejects(api.post("handshake", {}), Stopped);
  assert.equal(seen.requests.length, 1);
});
