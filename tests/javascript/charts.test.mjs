import assert from "node:assert/strict";
import test from "node:test";

import { configuration } from "../../static/kiosk/charts.mjs";

const DATA = {
  labels: ["08:00", "09:00"],
  urls: ["/a", "/b"],
  series: [{ label: "stored", values: [1, 2], colour: "first" }, { label: "given up", values: [0, 3], colour: "third" }],
};

test("each series is a stack of bars in its colour", () => {
  const made = configuration(DATA, (name) => `<${name}>`);
  assert.equal(made.type, "bar");
  assert.deepEqual(made.data.labels, DATA.labels);
  assert.deepEqual(made.data.datasets.map((one) => [one.label, one.data, one.backgroundColor]), [
    ["stored", [1, 2], "<--chart-first>"],
    ["given up", [0, 3], "<--chart-third>"],
  ]);
  assert.ok(made.options.scales.x.stacked && made.options.scales.y.stacked);
  assert.equal(made.options.scales.y.ticks.precision, 0);
});

test("nothing moves by itself", () => assert.equal(configuration(DATA, String).options.animation, false));
