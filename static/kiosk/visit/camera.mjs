// The camera: a picture on the screen, and JPEG frames of it.

const WIDTH = 640;
const QUALITY = 0.85;

export class Camera {
  constructor(video) {
    this.video = video;
    this.stream = null;
    this.canvas = document.createElement("canvas");
  }

  get isOn() {
    return this.stream !== null;
  }

  /** Whether the camera could be switched on. */
  async start() {
    if (this.isOn) return true;
    if (!navigator.mediaDevices?.getUserMedia) return false;
    try {
      const wanted = { width: { ideal: 1280 }, height: { ideal: 960 }, facingMode: "user" };
      this.stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    } catch {
      return false; // none there, not allowed, or taken by another program: the way on is the same
    }
    this.video.srcObject = this.stream;
    await this.video.play().catch(() => {});
    return true;
  }

  /** What the camera sees now: {blob, width, height}; null while it shows nothing. */
  async frame() {
    const { videoWidth, videoHeight } = this.video;
    if (!this.isOn || !videoWidth) return null;
    const width = Math.min(WIDTH, videoWidth);
    const height = Math.round((videoHeight * width) / videoWidth);
    Object.assign(this.canvas, { width, height });
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, width, height);
    const blob = await new Promise((done) => this.canvas.toBlob(done, "image/jpeg", QUALITY));
    return blob && { blob, width, height };
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
    this.canvas.width = this.canvas.height = 0;
  }
}
