// Nobody is there: after a while a countdown, then the end. Time and timers are handed in.

export const COUNTDOWN_SECONDS = 20;

export class IdleWatch {
  /** `idle` seconds of silence, then onCount(seconds left) every second, at last onEnd(); touch() begins anew. */
  constructor({ idle, onCount, onBack, onEnd, countdown = COUNTDOWN_SECONDS, now = () => performance.now() }) {
    Object.assign(this, { idle, countdown, onCount, onBack, onEnd, now });
    this.last = now();
    this.left = null;
    this.ended = true;
  }

  /** From now on. */
  start() {
    this.ended = false;
    this.touch();
  }

  stop() {
    this.ended = true;
    this.left = null;
  }

  /** Somebody is there. While it counts down only stay() says so: a passer-by's bag on the screen does not. */
  touch() {
    if (this.left === null) this.last = this.now();
  }

  stay() {
    this.left = null;
    this.last = this.now();
    this.onBack();
  }

  /** To be called about every half second. */
  tick() {
    if (this.ended) return;
    const silent = (this.now() - this.last) / 1000;
    if (silent < this.idle) return;
    const left = Math.ceil(this.idle + this.countdown - silent);
    if (left <= 0) {
      this.stop();
      this.onEnd();
    } else if (left !== this.left) {
      this.left = left;
      this.onCount(left);
    }
  }
}
