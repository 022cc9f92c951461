// A picture from the camera: what it sees, and two buttons.

import { make } from "../base/elements.js";

const WHY = { // why there is no picture, by the name of the browser's error
  NotAllowedError: "The camera is not allowed to this page: you or your browser said no.",
  NotFoundError: "No camera was found.",
  NotReadableError: "Another program uses the camera.",
};

// `take` gets a JPEG and a name; `say` gets why there is none.
export function camera(heard, take, say) {
  const button = (text, click) => make("button", { type: "button", click }, text);
  const video = make("video", { autoplay: true, playsinline: true, muted: true, "aria-label": "what the camera sees" });
  const node = make("div", { class: "course-camera", hidden: true }, video, make("div", { class: "course-player" }, button("Take the picture", shoot), button("Close the camera", stop)));
  const open = button("Camera…", start);
  let stream = null;
  let gone = false;
  show(false);

  async function start() {
    if (stream) return stop(); // the button that opens it closes it, too
    if (!navigator.mediaDevices?.getUserMedia) {
      say("This page may not use a camera: a browser gives it to addresses that begin with https or are this machine's own.");
      return;
    }
    open.disabled = true;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch (error) {
      say(WHY[error.name] ?? `The camera does not start: ${error.message}`);
    }
    open.disabled = false;
    if (gone || !stream) return stop();
    video.srcObject = stream;
    show(true);
  }

  function show(on) {
    node.hidden = !on;
    open.setAttribute("aria-expanded", String(on));
  }

  function shoot() {
    if (!video.videoWidth) return; // it sees nothing yet
    const canvas = make("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => take(blob, "the photograph"), "image/jpeg", 0.95);
    stop();
  }

  function stop() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = video.srcObject = null;
    show(false);
  }

  heard.also(() => {
    gone = true;
    stop();
  });
  return { node, open };
}
