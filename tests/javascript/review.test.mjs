import assert from "node:assert/strict";
import test from "node:test";

import { intent } from "../../static/flows/review.mjs";

const pressed = (key, more = {}) => intent({ key, ctrlKey: false, metaKey: false, altKey: false, typing: false, enabled: true, ...more });

const TABLE = [
  ["a", {}, "approve"],
  ["A", {}, "approve"],
  ["c", {}, "correct"],
  ["b", {}, "send_back"],
  ["n", {}, "next"],
  ["o", {}, "reopen"],
  ["p", {}, "play"],
  ["x", {}, ""],
  ["constructor", {}, ""],
  ["a", { typing: true }, ""],
  ["a", { enabled: false }, ""],
  ["a", { ctrlKey: true }, ""],
  ["a", { metaKey: true }, ""],
  ["a", { altKey: true }, ""],
  ["Enter", { typing: true }, ""],
  ["Enter", { typing: true, ctrlKey: true }, "submit"],
  ["Enter", { ctrlKey: true }, ""],
  ["Escape", { typing: true }, "leave"],
  ["Escape", {}, ""],
  ["Escape", { typing: true, enabled: false }, "leave"],
];

for (const [key, more, expected] of TABLE) {
  test(`${key} ${JSON.stringify(more)} means ${expected || "nothing"}`, () => assert.equal(pressed(key, more), expected));
}
