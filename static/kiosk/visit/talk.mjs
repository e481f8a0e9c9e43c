// One websocket as a conversation: something is said, and the next message is its answer.

export class Talk {
  constructor(socket) {
    this.socket = socket;
    this.waiting = null;
    this.closed = false;
    socket.onmessage = ({ data }) => this.settle(data);
    socket.onclose = () => {
      this.closed = true;
      this.settle(null);
    };
  }

  /** The answer to a message; null where the connection ends instead. */
  ask(message) {
    if (this.closed) return Promise.resolve(null);
    return new Promise((answered) => {
      this.waiting = answered;
      this.socket.send(message);
    });
  }

  /** Says what is not answered. */
  tell(message) {
    if (!this.closed) this.socket.send(message);
  }

  settle(data) {
    const answered = this.waiting;
    this.waiting = null;
    answered?.(data);
  }

  end() {
    this.closed = true;
    this.socket.close();
    this.settle(null);
  }
}

/** The JSON object that a message is, or null. */
export function asObject(data) {
  if (typeof data !== "string" || !data.startsWith("{")) return null;
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
