/* Videos in the admin: states that follow the work, pictures that lead to their second of the video, an upload with progress. */

const PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;

/** The ids of the videos that are still worked on, as the page knows. */
export function openIds(ids, ended) {
  const done = new Set(ended.map(String));
  return ids.filter((id) => !done.has(String(id)));
}

/** The pause before the next look: longer after each one that failed. */
export function pause(failures) {
  return Math.min(PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
}

/** Asks for the states of these videos until all have ended; `show(id, html)` gets each answer, `over()` is called at the end. */
export async function follow(ids, { ask, show, wait, over }) {
  let left = ids;
  let failures = 0;
  let moved = false;
  while (left.length) {
    try {
      const answer = await ask(left);
      Object.entries(answer.videos).forEach(([id, html]) => show(id, html));
      const next = openIds(left, answer.ended).filter((id) => String(id) in answer.videos);
      // What had ended when the page was made needs no new page.
      if (moved && next.length < left.length && next.length === 0) over();
      moved = true;
      left = next;
      failures = 0;
    } catch {
      failures += 1;
    }
    if (left.length) await wait(pause(failures));
  }
}

function states() {
  const cells = new Map([...document.querySelectorAll('[data-video-state]')].map((cell) => [cell.dataset.videoState, cell]));
  if (!cells.size) return;
  const url = new URL(location.pathname.replace(/\/video\/.*$/, '/video/states/'), location.origin);
  follow([...cells.keys()], {
    ask: async (ids) => {
      url.searchParams.set('ids', ids.join(','));
      const response = await fetch(url, { headers: { Accept: 'application/json' } });
      if (!response.ok) throw new Error(response.status);
      return response.json();
    },
    // Escaped by the server.
    show: (id, html) => { if (cells.get(id).innerHTML !== html) cells.get(id).innerHTML = html; },
    wait: (ms) => new Promise((resolve) => { setTimeout(resolve, ms); }),
    // The page of one video has its result to show now.
    over: () => { if (/\/change\/$/.test(location.pathname)) location.reload(); },
  });
}

function seeking() {
  const player = document.getElementById('player');
  if (!player) return;
  document.addEventListener('click', (event) => {
    const button = event.target.closest('[data-seek]');
    if (!button) return;
    player.currentTime = Number(button.dataset.seek);
    player.scrollIntoView({ block: 'center', behavior: 'smooth' });
  });
}

function uploading() {
  const form = document.querySelector('[data-video-upload]');
  if (!form) return;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const status = form.querySelector('.video-sending');
    const [bar, text] = status.children;
    status.hidden = false;
    text.textContent = form.dataset.sending;
    const request = new XMLHttpRequest();
    request.upload.addEventListener('progress', ({ loaded, total }) => { bar.value = loaded / total; });
    request.addEventListener('load', () => {
      if (request.responseURL !== location.href) { location.assign(request.responseURL); return; }
      document.open();
      document.write(request.responseText);
      document.close();
    });
    request.addEventListener('error', () => form.submit());
    request.open('POST', location.href);
    request.send(new FormData(form));
  });
}

if (globalThis.document) {
  states();
  seeking();
  uploading();
}
