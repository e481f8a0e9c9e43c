// A whole visit: node visit.mjs http://127.0.0.1:10925 ws://127.0.0.1:444 xiaofeng 我要办身份证, answers on standard input.
// Node 22, or 20 with --experimental-websocket.
import { createInterface } from "node:readline";

const [posts, socketUrl, userId, wish] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function post(type, more) {
  const body = JSON.stringify({ user_id: userId, type, ...more });
  const answer = await (await fetch(posts, { method: "POST", headers: { "Content-Type": "application/json" }, body })).json();
  if (answer.type !== type) throw new Error(`${answer.type}: ${answer.detail}`);
  return answer;
}

const { hash, classify, flow } = await post("handshake", { input: { type: "text", text: wish } });
console.log(`${classify}\n${flow}`);

await new Promise((resolve, reject) => {
  const socket = new WebSocket(socketUrl);
  socket.onopen = () => socket.send(JSON.stringify({ user_id: userId, type: "qna", hash }));
  socket.onerror = () => reject(new Error(`no connection to ${socketUrl}`));
  socket.onclose = resolve;
  socket.onmessage = async ({ data: question }) => {
    if (question === "") return socket.close();
    console.log(question);
    socket.send((await lines.next()).value);
  };
});

console.log((await post("storage", { hash })).output);
console.log((await post("summary", { hash })).output.tables);
