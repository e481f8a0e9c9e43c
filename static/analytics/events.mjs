/** The event socket as a page uses it: configures, reconnects, and goes on after the last event that it was told of. */

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30000;
const HEARTBEAT_SECONDS = 10;

/**
 * @param {object} options url; configuration: () => object, asked at every connection; onEvent, onState ("connecting", "live",
 *   "lost"), onLost (how many); since: what the first connection asks to be told again; WebSocket, setTimeout for tests.
 * @returns {{reconfigure: () => void, close: () => void}}
 */
export function followEvents({ url, configuration, since, onEvent, onState, onLost, ...injected }) {
  const Socket = injected.WebSocket ?? globalThis.WebSocket;
  const later = injected.setTimeout ?? globalThis.setTimeout.bind(globalThis);
  const cancel = injected.clearTimeout ?? globalThis.clearTimeout.bind(globalThis);
  let last = since;
  let pause = FIRST_PAUSE_MS;
  let socket = null;
  let watchdog = null;
  let ended = false;

  const configure = () =>
    socket.send(JSON.stringify({ ...configuration(), heartbeat: HEARTBEAT_SECONDS, ...(last === null ? {} : { since: last }) }));

  const alive = () => {
    cancel(watchdog);
    // A connection that died without a word is noticed by the heartbeat that does not come.
    watchdog = later(() => socket.close(), 2.5 * HEARTBEAT_SECONDS * 1000);
  };

  const connect = () => {
    onState("connecting");
    socket = new Socket(url);
    socket.onopen = () => {
      configure();
      alive();
    };
    socket.onmessage = ({ data }) => {
      alive();
      const message = JSON.parse(data);
      if (message.event_id !== undefined) {
        last = message.event_id;
        onEvent(message);
      } else if (message.message === "heartbeat") {
        pause = FIRST_PAUSE_MS;
        onState("live");
      } else if (message.message === "lost") {
        onLost(message.lost);
      } else if (message.message === "error" && last !== null && String(message.detail).startsWith("since")) {
        last = null; // It is older than what is kept: go on from now.
        configure();
      }
    };
    socket.onclose = () => {
      cancel(watchdog);
      if (ended) return;
      onState("lost");
      later(connect, pause);
      pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
    };
  };

  connect();
  return {
    reconfigure: () => socket.readyState === 1 && configure(),
    close: () => {
      ended = true;
      socket.close();
    },
  };
}
