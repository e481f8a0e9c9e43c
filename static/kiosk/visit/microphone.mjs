// The microphone: one utterance at a time, as the browser records it (WebM or MP4, which the server reads).

const LONGEST_MS = 30_000;

export class Microphone {
  constructor() {
    this.recorder = null;
  }

  get isOn() {
    return this.recorder !== null;
  }

  /** Starts to record; false without a microphone. */
  async start() {
    if (!navigator.mediaDevices?.getUserMedia || !globalThis.MediaRecorder) return false;
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true } });
    } catch {
      return false; // none there, or not allowed
    }
    const parts = [];
    this.recorder = new MediaRecorder(stream, { audioBitsPerSecond: 32_000 });
    this.done = new Promise((finished) => {
      this.recorder.ondataavailable = ({ data }) => parts.push(data);
      this.recorder.onstop = () => {
        for (const track of stream.getTracks()) track.stop();
        clearTimeout(this.timer);
        this.recorder = null;
        finished(new Blob(parts, { type: parts[0]?.type }));
      };
    });
    this.recorder.start();
    this.timer = setTimeout(() => this.recorder?.stop(), LONGEST_MS);
    return true;
  }

  /** The utterance, once stop() was called or the longest time is over. */
  utterance() {
    return this.done;
  }

  stop() {
    this.recorder?.stop();
  }
}
