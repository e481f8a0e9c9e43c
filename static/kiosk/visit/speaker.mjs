// The voice. Chinese comes from the server's /tts; English from a voice on this machine where the browser has one.

export class Speaker {
  constructor(api, { onTrouble = () => {} } = {}) {
    this.api = api;
    this.onTrouble = onTrouble;
    this.on = true;
    this.turn = 0;
    this.audio = new Audio();
  }

  /** Speaks in place of what is being spoken. Silence is no error: everything spoken is also written. */
  async say(text, language) {
    this.quiet();
    if (!this.on || !text) return;
    if (language === "en") {
      this.sayHere(text);
      return;
    }
    const turn = this.turn;
    const sound = await this.api.ask("/tts", text, (data) => (data instanceof Blob ? data : false)).catch(() => null);
    if (turn !== this.turn || !sound) return;
    this.url = URL.createObjectURL(sound);
    this.audio.src = this.url;
    await this.audio.play().catch(() => {});
  }

  sayHere(text) {
    const voice = globalThis.speechSynthesis?.getVoices().find((one) => one.localService && one.lang.startsWith("en"));
    if (!voice) return;
    const utterance = new SpeechSynthesisUtterance(text);
    utterance.voice = voice;
    globalThis.speechSynthesis.speak(utterance);
  }

  quiet() {
    this.turn += 1;
    this.audio.pause();
    this.audio.removeAttribute("src");
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = null;
    globalThis.speechSynthesis?.cancel();
  }
}
