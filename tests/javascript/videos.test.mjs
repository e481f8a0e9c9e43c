import assert from 'node:assert/strict';
import { test } from 'node:test';

import { follow, openIds, pause } from '../../static/analytics/videos.mjs';

test('videos that ended are asked for no more', () => {
  assert.deepEqual(openIds(['1', '2', '3'], [2]), ['1', '3']);
});

test('a server that fails is asked ever more seldom', () => {
  assert.deepEqual([0, 1, 2, 10].map(pause), [1000, 2000, 4000, 15_000]);
});

async function played(answers) {
  const asked = [];
  const shown = [];
  const waits = [];
  let reloads = 0;
  await follow(['1', '2'], {
    ask: async (ids) => {
      asked.push(ids.join());
      const answer = answers.shift();
      if (!answer) throw new Error('503');
      return answer;
    },
    show: (id, html) => shown.push(`${id} ${html}`),
    wait: async (ms) => { waits.push(ms); },
    over: () => { reloads += 1; },
  });
  return { asked, shown, waits, reloads };
}

test('states are shown until all have ended, and the page is told once', async () => {
  const result = await played([
    { videos: { 1: '10%', 2: 'done' }, ended: [2] },
    null,
    { videos: { 1: 'done' }, ended: [1] },
  ]);
  assert.deepEqual(result, {
    asked: ['1,2', '1', '1'], shown: ['1 10%', '2 done', '1 done'], waits: [1000, 2000], reloads: 1,
  });
});

test('a page of ended videos is not loaded again', async () => {
  const { asked, reloads } = await played([{ videos: { 1: 'done', 2: 'failed' }, ended: [1, 2] }]);
  assert.deepEqual([asked.length, reloads], [1, 0]);
});

test('a video that was deleted meanwhile is given up', async () => {
  const { asked } = await played([{ videos: { 2: 'done' }, ended: [2] }]);
  assert.equal(asked.length, 1);
});
