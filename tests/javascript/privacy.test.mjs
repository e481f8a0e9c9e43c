import assert from "node:assert/strict";
import test from "node:test";

import { mask, maskNumber } from "../../static/kiosk/visit/masking.mjs";
import { isOwnNumber, newNumber, readNumber } from "../../static/kiosk/visit/numbers.mjs";
import { IdleWatch } from "../../static/kiosk/visit/idle.mjs";

const MASKED = [
  ["phone", "13800138000", "138******00"],
  ["id_card", "11010519491231002X", "110*************2X"],
  ["email", "10925508@qq.com", "1***@qq.com"],
  ["address", "广东省广州市番禺区", "广东省广州市***"],
  ["phone", "138****8000", "138****8000"],
  ["phone", "1234", "****"],
  ["name", "王小明", "王小明"],
];
for (const [slot, value, wanted] of MASKED) test(`mask ${slot} ${value}`, () => assert.equal(mask(slot, value), wanted));

test("a number that is an ID number is masked", () => assert.equal(maskNumber("11010519491231002X"), "110*************2X"));
test("a number of ours is not", () => assert.equal(maskNumber("7F3M9-QXC2P"), "7F3M9-QXC2P"));

test("numbers use every letter, and are our own", () => {
  const seen = new Set();
  for (let start = 0; start < 256; start += 10) {
    const number = newNumber((bytes) => bytes.map((_, index) => (start + index) % 256));
    assert.ok(isOwnNumber(number));
    for (const letter of number) seen.add(letter);
  }
  assert.equal(seen.size, 33);
});

const TYPED = { "7f3m9qxc2p": "7F3M9-QXC2P", " 7F3M9 - QXC2P ": "7F3M9-QXC2P", "OIL0O-00000": "01100-00000", asdasd: "asdasd" };
for (const [typed, wanted] of Object.entries(TYPED)) test(`read ${typed}`, () => assert.equal(readNumber(typed), wanted));

function watch() {
  const clock = { ms: 0 };
  const seen = [];
  const idle = new IdleWatch({
    idle: 60,
    countdown: 20,
    now: () => clock.ms,
    onCount: (left) => seen.push(left),
    onBack: () => seen.push("back"),
    onEnd: () => seen.push("end"),
  });
  idle.start();
  const pass = (seconds) => {
    for (let passed = 0; passed < seconds; passed += 0.5) {
      clock.ms += 500;
      idle.tick();
    }
  };
  return { idle, seen, pass };
}

test("idle: silence counts down and ends, once", () => {
  const { seen, pass } = watch();
  pass(59.5);
  assert.deepEqual(seen, []);
  pass(100);
  assert.deepEqual(seen, [...Array.from({ length: 20 }, (_, past) => 20 - past), "end"]);
});

test("idle: a touch before the countdown begins anew", () => {
  const { idle, seen, pass } = watch();
  pass(59);
  idle.touch();
  pass(59);
  assert.deepEqual(seen, []);
});

test("idle: in the countdown only the button stays", () => {
  const { idle, seen, pass } = watch();
  pass(62);
  idle.touch();
  pass(1);
  assert.equal(seen.at(-1), 17);
  idle.stay();
  pass(59);
  assert.equal(seen.at(-1), "back");
});

test("idle: stopped it is silent", () => {
  const { idle, seen, pass } = watch();
  idle.stop();
  pass(200);
  assert.deepEqual(seen, []);
});
