// Follows recognition events, and misses none: node events.mjs ws://127.0.0.1:5679 [event_id of the last one seen]
// Node 22, or 20 with --experimental-websocket.

const [server, since] = process.argv.slice(2);
const wanted = { with_face_image: false, user_types: [], heartbeat: 30 };
let last = since;

// With a token: new WebSocket(server, ["kiosk", "bearer.TOKEN"])
const socket = new WebSocket(server);
socket.onopen = () => socket.send(JSON.stringify(since ? { ...wanted, since } : wanted));
socket.onmessage = ({ data }) => {
  const event = JSON.parse(data);
  if (event.message === "heartbeat") {
    console.log("following");
  } else if (event.message === "lost") {
    // Ask again from the last one that came.
    socket.send(JSON.stringify({ ...wanted, since: event.after || last }));
  } else if (event.type) {
    console.error(event.detail);
    process.exit(1);
  } else {
    last = event.event_id;
    console.log(event.timestamp, event.user_type, event.identity_name || event.identity_id, last);
  }
};
socket.onclose = () => console.log("last seen:", last);
