// Says a text, and writes down what it hears: node speech.mjs ws://127.0.0.1:3304 您好 spoken.mp3
// Node 22, or 20 with --experimental-websocket.
import { writeFileSync } from "node:fs";

const [server, text, path] = process.argv.slice(2);

function ask(url, message) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket.send(message);
    socket.onerror = () => reject(new Error(`no connection to ${url}`));
    socket.onmessage = ({ data }) => {
      socket.close();
      resolve(data);
    };
  });
}

const sound = await ask(`${server}/tts`, text);
if (typeof sound === "string") throw new Error(JSON.parse(sound).detail);
writeFileSync(path, Buffer.from(sound));

const heard = JSON.parse(await ask(`${server}/stt`, sound));
console.log(typeof heard === "string" ? heard : heard.detail);
