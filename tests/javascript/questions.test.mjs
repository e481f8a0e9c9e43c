import assert from "node:assert/strict";
import test from "node:test";

import { recognise, sentences, isSecret, correction } from "../../static/kiosk/visit/questions.mjs";

const BOOK = [
  { key: "name", slot: "name", relation: "", texts: ["请问您叫什么名字？", "请说一下您身份证上的姓名。"] },
  { key: "spouse.name", slot: "name", relation: "spouse", texts: ["请问您配偶叫什么名字？没有就说“没有”。"] },
  { key: "spouse.id_card", slot: "id_card", relation: "spouse", texts: ["请问您配偶的身份证号码是多少？"] },
  { key: "id_card", slot: "id_card", relation: "", texts: ["身份证号码是多少？"] },
];
const FORKS = [{ key: "leave", holds: "您确定不办了吗", answers: ["继续", "确定"] }];

const ASKED = {
  "the first wording": ["请问您叫什么名字？", { key: "name", attempt: 0, before: "" }],
  "the second wording": ["没有听清。请说一下您身份证上的姓名。", { key: "name", attempt: 1, before: "没有听清。" }],
  "after thanks": ["好的。请问您配偶叫什么名字？没有就说“没有”。", { key: "spouse.name", attempt: 0, before: "好的。" }],
  "the longest wording wins": ["请问您配偶的身份证号码是多少？", { key: "spouse.id_card", attempt: 0, before: "" }],
  "about the conversation": ["您确定不办了吗？要结束请说“确定”。", { key: "leave", attempt: 0, before: "" }],
};
for (const [name, [sentence, wanted]] of Object.entries(ASKED)) {
  test(`recognise: ${name}`, () => {
    const found = recognise(sentence, BOOK, FORKS);
    assert.deepEqual({ key: found.key, attempt: found.attempt, before: found.before }, wanted);
  });
}

test("recognise: a sentence that nobody knows", () => assert.equal(recognise("今天天气好。", BOOK, FORKS), null));
test("sentences", () => assert.deepEqual(sentences("好的。请问？是"), ["好的。", "请问？", "是"]));
test("what is hidden", () => assert.deepEqual(["phone", "id_card", "name"].map(isSecret), [true, true, false]));
test("a correction", () => assert.equal(correction("电话", "13900139000"), "我刚才说错了，电话是13900139000"));
