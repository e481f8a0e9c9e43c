/** Asks again, a few times, for a face that could not be cut out at once because the engine was busy. */

const ATTEMPTS = 4;

function retry(image) {
  const attempt = Number(image.dataset.attempt ?? 0) + 1;
  if (attempt > ATTEMPTS) return;
  image.dataset.attempt = String(attempt);
  setTimeout(() => {
    const url = new URL(image.src);
    url.searchParams.set("attempt", String(attempt));
    image.src = url.href;
  }, 1000 * attempt);
}

function isThumbnail(element) {
  return element instanceof HTMLImageElement && element.src.includes("/thumbnail/");
}

// Errors of images don't bubble, but they can be caught on their way down.
document.addEventListener("error", (event) => isThumbnail(event.target) && retry(event.target), true);
for (const image of document.images) {
  if (isThumbnail(image) && image.complete && image.naturalWidth === 0) retry(image);
}
