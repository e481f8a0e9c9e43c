// The server as any client sees it: the flow POSTs and the websockets of docs/openapi.yaml and docs/asyncapi.yaml.
// fetch, WebSocket and time are handed in.

export class Refused extends Error {} // the protocol's `error`; the message is its Chinese detail
export class NotRegistered extends Error {} // staff have not registered this browser
export class Stopped extends Error {} // the visit was wiped while it waited

const BUSY_TRIES = 20;
const PROCESSING_TRIES = 90;
const RETRY_MS = 700;
const RECONNECT_MS = [400, 800, 1500, 3000];
const PASS_REFUSED = "缺少访问令牌或令牌无效";
const RENEW_MS = 60_000; // before a pass ends

export class Api {
  /** `onNet("away" | "back" | "busy" | "calm")` hears how the server is. */
  constructor({ urls, origin, fetch, WebSocket, onNet, wait = (ms) => new Promise((done) => setTimeout(done, ms)), now = Date.now }) {
    Object.assign(this, { urls, origin, fetch, WebSocket, onNet, wait, now });
    this.pass = null;
    this.stopped = false;
  }

  /** Everything that waits ends with Stopped, and nothing begins any more. */
  stop() {
    this.stopped = true;
    this.pass = null;
  }

  /** An answer of the flow POST `kind`. Waits while the server is away, busy or thinking; throws Refused. */
  async post(kind, body) {
    for (let tries = 0; ; tries += 1) {
      const answer = await this.send(`/${kind}`, { type: kind, ...body });
      if (answer.type === kind) {
        this.onNet("calm");
        return answer;
      }
      const most = { busy: BUSY_TRIES, processing: PROCESSING_TRIES }[answer.type] ?? 0;
      if (tries >= most) {
        this.onNet("calm");
        throw new Refused(answer.detail ?? "");
      }
      if (answer.type === "busy") this.onNet("busy");
      if (answer.type === "processing" && answer.hash && !body.hash) body = { ...body, hash: answer.hash };
      await this.wait(RETRY_MS);
      this.check();
    }
  }

  /** Takes the consent to face recognition back. */
  async withdraw(body) {
    const answer = await this.send(this.urls.withdraw, body);
    if (answer.type !== "withdraw") throw new Refused(answer.detail ?? "");
  }

  /** POSTs JSON until the server is there to answer it; what it answers. A pass that is refused is renewed once. */
  async send(path, body) {
    let renewed = false;
    for (let tries = 0; ; tries += 1) {
      this.check();
      const token = await this.token();
      const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
      const options = { method: "POST", headers, body: JSON.stringify(body), cache: "no-store", credentials: "omit" };
      const answer = await this.attempt(this.origin + path, options);
      if (answer?.type === "error" && answer.detail === PASS_REFUSED && !renewed) {
        renewed = true;
        this.pass = null;
      } else if (answer !== null) return answer;
      else await this.pause(tries);
    }
  }

  /** The pass that this page shows; "" where none is asked for. Throws NotRegistered. */
  async token() {
    for (let tries = 0; ; tries += 1) {
      this.check();
      if (this.pass !== null && this.now() < this.pass.until) return this.pass.token;
      const answer = await this.attempt(this.origin + this.urls.pass, { cache: "no-store", credentials: "same-origin" });
      if (answer?.pass === null) throw new NotRegistered();
      if (answer !== null) this.pass = { token: answer.pass, until: this.now() + answer.seconds * 1000 - RENEW_MS };
      else await this.pause(tries);
    }
  }

  /** The JSON of one answer; null where the server is away or stumbles. */
  async attempt(url, options) {
    let response;
    try {
      response = await this.fetch(url, options);
    } catch {
      this.onNet("away");
      return null;
    }
    if (response.status >= 502 && response.status <= 504) {
      this.onNet("away");
      return null;
    }
    try {
      const answer = await response.json();
      this.onNet("back");
      return answer;
    } catch {
      this.onNet("away");
      return null;
    }
  }

  async pause(tries) {
    await this.wait(RECONNECT_MS[Math.min(tries, RECONNECT_MS.length - 1)]);
    this.check();
  }

  check() {
    if (this.stopped) throw new Stopped();
  }

  /** An open websocket of this path; waits while the server is away. Throws NotRegistered, Stopped. */
  async open(path) {
    for (let tries = 0; ; tries += 1) {
      const token = await this.token();
      this.check();
      const protocols = token ? ["kiosk", `bearer.${token}`] : ["kiosk"];
      const socket = await connected(new this.WebSocket(this.origin.replace(/^http/, "ws") + path, protocols));
      this.check();
      if (socket !== null) {
        this.onNet("back");
        return socket;
      }
      this.onNet("away");
      this.pass = null; // it may be a pass of before the server's restart, or a token that was revoked
      await this.pause(tries);
    }
  }

  /** Sends one message on a socket of its own and hands every answer to `take` until it returns something; null if closed. */
  async ask(path, message, take) {
    const socket = await this.open(path);
    try {
      return await new Promise((answered) => {
        socket.onmessage = ({ data }) => {
          const taken = take(data);
          if (taken !== undefined) answered(taken);
        };
        socket.onclose = () => answered(null);
        socket.send(message);
      });
    } finally {
      socket.close();
    }
  }
}

function connected(socket) {
  socket.binaryType = "blob";
  return new Promise((done) => {
    socket.onopen = () => {
      socket.onerror = socket.onopen = socket.onclose = null;
      done(socket);
    };
    socket.onerror = () => done(null);
    socket.onclose = () => done(null);
  });
}
