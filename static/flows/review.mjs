/* The review by keyboard: single keys decide, and a field that is being corrected shows what was said about it. */

const REMEMBERED = 'kiosk.review.keys';

/** What a key asks for: "approve", "correct", "send_back", "reopen", "next", "play", "leave", "submit", or "" for nothing.
 *  Single keys mean nothing while somebody types, with a modifier, or where they are switched off. */
export function intent({ key, ctrlKey, metaKey, altKey, typing, enabled }) {
  if (key === 'Escape') return typing ? 'leave' : '';
  if (key === 'Enter' && (ctrlKey || metaKey)) return typing ? 'submit' : '';
  if (typing || !enabled || ctrlKey || metaKey || altKey) return '';
  const keys = { a: 'approve', c: 'correct', b: 'send_back', o: 'reopen', n: 'next', p: 'play' };
  const wanted = key.toLowerCase();
  return Object.hasOwn(keys, wanted) ? keys[wanted] : "";
}

function install(page) {
  const button = (decision) => page.querySelector(`button[name="decision"][value="${decision}"]`);
  const note = page.querySelector('textarea[name="note"]');
  const choice = page.querySelector('[data-keys]');
  const typingIn = (element) => element instanceof Element && element.matches('input:not([type="checkbox"]), select, textarea');
  const sounds = [...page.querySelectorAll('audio')];
  let sound = -1;

  choice.closest('section').hidden = false;
  choice.checked = localStorage.getItem(REMEMBERED) !== 'off';
  choice.addEventListener('change', () => localStorage.setItem(REMEMBERED, choice.checked ? 'on' : 'off'));

  const does = {
    approve: () => button('approve')?.click(),
    correct: () => page.querySelector('.flow-record td :is(input, select)')?.focus(),
    send_back: () => (note?.value.trim() ? button('send_back')?.click() : note?.focus()),
    reopen: () => button('reopen')?.click(),
    next: () => page.querySelector('a[data-key="n"]')?.click(),
    leave: () => document.activeElement.blur(),
    submit: () => button(document.activeElement === note ? 'send_back' : 'correct')?.click(),
    play: () => {
      sounds[sound]?.pause();
      sound = (sound + 1) % sounds.length;
      sounds[sound]?.play();
    },
  };

  document.addEventListener('keydown', (event) => {
    const { key, ctrlKey, metaKey, altKey } = event;
    const what = intent({ key, ctrlKey, metaKey, altKey, typing: typingIn(document.activeElement), enabled: choice.checked });
    if (!what || event.isComposing) return;
    event.preventDefault();
    does[what]();
  });

  for (const row of page.querySelectorAll('tr[data-slot]')) {
    const turns = page.querySelectorAll(`.flow-talk li[data-slot="${row.dataset.slot}"]`);
    row.addEventListener('focusin', () => {
      turns.forEach((turn) => turn.classList.add('flow-meant'));
      turns[turns.length - 1]?.scrollIntoView({ block: 'nearest' });
    });
    row.addEventListener('focusout', () => turns.forEach((turn) => turn.classList.remove('flow-meant')));
  }
}

const page = globalThis.document?.querySelector('[data-review]');
if (page) install(page);
