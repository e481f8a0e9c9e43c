// Who is on these pictures? node recognise.mjs ws://127.0.0.1:3304 frame1.jpg frame2.jpg …  (Node 22, or 20 with --experimental-websocket)
import { readFileSync } from "node:fs";

const [server, ...pictures] = process.argv.slice(2);
const socket = new WebSocket(`${server}/face_predict`);
const sendNext = () => (pictures.length ? socket.send(readFileSync(pictures.shift())) : socket.close());

socket.onopen = sendNext;
socket.onmessage = ({ data }) => {
  const answer = JSON.parse(data);
  console.log(answer.message, answer.user_id, answer.detail ?? "");
  if (answer.message === "continue") sendNext();
  else socket.close();
};
