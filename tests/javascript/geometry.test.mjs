/** node --test tests/javascript (pytest runs it as well, where node is installed). */

import assert from "node:assert/strict";
import { test } from "node:test";

import { acceptable, boxOf, boxStyle } from "../../static/faces/geometry.mjs";

test("a box lies over the picture in shares of the picture's own size", () => {
  assert.deepEqual(boxStyle({ x: 50, y: 30, w: 100, h: 60 }, { width: 200, height: 120 }), {
    left: "25.000%",
    top: "25.000%",
    width: "50.000%",
    height: "50.000%",
  });
});

test("a picture that is not there has no place for a box", () => {
  assert.equal(boxStyle({ x: 0, y: 0, w: 1, h: 1 }, { width: 0, height: 0 }), null);
});

test("a box is read from an element's data", () => {
  assert.deepEqual(boxOf({ x: "1", y: "2", w: "3", h: "4" }), { x: 1, y: 2, w: 3, h: 4 });
});

test("only the accepted pictures are taken", () => {
  const files = [{ type: "image/png" }, { type: "application/pdf" }, { type: "image/jpeg" }, { type: "" }];
  assert.deepEqual(acceptable(files, "image/jpeg, image/png"), [files[0], files[2]]);
});
