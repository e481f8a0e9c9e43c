/** Draws counting lines and zones over a device's last picture; the text fields stay what is saved. */

const NAMESPACE = "http://www.w3.org/2000/svg";

const editor = document.querySelector("[data-marks-editor]");
if (editor?.querySelector("svg") && document.querySelector("[data-marks]")) start(editor);

function start(editor) {
  const stage = editor.querySelector(".cam-stage");
  const canvas = stage.querySelector("svg");
  const hint = editor.querySelector("[data-hint]");
  const fields = Object.fromEntries(["lines", "zones"].map((kind) => [kind, document.querySelector(`[data-marks=${kind}]`)]));
  const order = [];
  let drawing = null;
  let points = [];

  const paint = () => {
    canvas.replaceChildren();
    for (const line of read(fields.lines)) canvas.append(shape("polyline", [line.start, line.end], "cam-line"));
    for (const zone of read(fields.zones)) canvas.append(shape("polygon", zone.corners, "cam-zone"));
    if (points.length > 0) canvas.append(shape("polyline", points, "cam-draft"));
  };
  const finish = () => {
    const marks = read(fields[drawing]);
    const name = `${drawing === "lines" ? editor.dataset.line : editor.dataset.zone} ${marks.length + 1}`;
    marks.push(drawing === "lines" ? { name, start: points[0], end: points[1] } : { name, corners: points });
    write(fields[drawing], marks);
    order.push(drawing);
    stop();
  };
  const stop = () => {
    [drawing, points] = [null, []];
    stage.classList.remove("cam-drawing");
    if (hint) hint.textContent = "";
    paint();
  };

  for (const button of editor.querySelectorAll("[data-draw]")) {
    button.addEventListener("click", () => {
      [drawing, points] = [button.dataset.draw, []];
      stage.classList.add("cam-drawing");
      hint.textContent = drawing === "lines" ? editor.dataset.hintLine : editor.dataset.hintZone;
      paint();
    });
  }
  editor.querySelector("[data-undo]")?.addEventListener("click", () => {
    const kind = order.pop() ?? (read(fields.zones).length > 0 ? "zones" : "lines");
    write(fields[kind], read(fields[kind]).slice(0, -1));
    stop();
  });
  stage.addEventListener("click", (event) => {
    if (drawing === null || event.detail > 1) return;
    points.push(place(event, stage));
    if (drawing === "lines" && points.length === 2) finish();
    else paint();
  });
  stage.addEventListener("dblclick", () => drawing === "zones" && points.length >= 3 && finish());
  document.addEventListener("keydown", (event) => {
    if (drawing === null) return;
    if (event.key === "Escape") stop();
    if (event.key === "Enter" && drawing === "zones" && points.length >= 3) {
      event.preventDefault();
      finish();
    }
  });
  for (const field of Object.values(fields)) field.addEventListener("input", paint);
  paint();
}

/** Where a click is, as shares of the picture, three digits. */
function place(event, stage) {
  const box = stage.getBoundingClientRect();
  const share = (value) => Math.round(1000 * Math.min(1, Math.max(0, value))) / 1000;
  return [share((event.clientX - box.left) / box.width), share((event.clientY - box.top) / box.height)];
}

function read(field) {
  try {
    const marks = JSON.parse(field.value || "[]");
    return Array.isArray(marks) ? marks : [];
  } catch {
    return [];
  }
}

function write(field, marks) {
  field.value = JSON.stringify(marks);
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

function shape(name, points, className) {
  const made = document.createElementNS(NAMESPACE, name);
  made.setAttribute("points", (Array.isArray(points) ? points : []).map((point) => `${point?.[0]},${point?.[1]}`).join(" "));
  made.setAttribute("class", className);
  return made;
}
