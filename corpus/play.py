"""Plays a file in Chromium, and tells what the browser has seen and heard of it.

`Player` steers one page with one video element. A short file is played whole, a long one at its beginning, in its
middle and at its end; then it can be entered at some places. Chromium plays more than "everywhere" does (4:4:4, 10
bits), so that something plays is needed and not enough; and it plays the sound of what it can't show without any error,
so frames are counted.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from video_to_mp4.errors import ToolMissing

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--mute-audio",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-file-access-from-files",  # a canvas may read the pixels of a file
)
_PAGE = "<!DOCTYPE html><meta charset=utf-8><title>player</title><body></body>"
_FILES_PER_PAGE = 40
"""Media that a page has let go of is collected at leisure, so a page is replaced now and then."""

_WHOLE_BELOW_S = 20.0
_PATIENCE_S = 60.0
_SEEK_PATIENCE_S = 30.0
_DRAWN_S = 0.5
"""How long a picture may take from where it is sought to where it is seen; on a busy machine it came after "seeked"."""

_JUST_AFTER_S = 0.001
"""A time that was rounded down would show the picture before."""

_PLAY = """async ({url, wholeBelowS, patienceMs}) => {
  const video = document.createElement("video");
  video.muted = true;
  video.preload = "auto";
  const deadline = performance.now() + patienceMs;
  const until = (...names) => new Promise((resolve) => {
    const timer = setTimeout(() => resolve("timeout"), Math.max(0, deadline - performance.now()));
    for (const name of ["error", ...names]) {
      video.addEventListener(name, () => { clearTimeout(timer); resolve(name); }, { once: true });
    }
  });
  const windows = (length) => (length <= wholeBelowS ? [[0, Infinity]] : [
    [0, 3], [length / 2, 3], [length - 3, Infinity],
  ]);
  const playTo = async (end) => {
    if (video.ended) return "ended";  // a place within the last picture is the end, from where it would begin anew
    if (end === Infinity) {
      const ended = until("ended");
      video.play().catch(() => {});  // one picture can end before its play() is said to have begun
      return await ended;
    }
    video.play().catch(() => {});
    let event = "timeupdate";
    while (event === "timeupdate" && video.currentTime < end) event = await until("timeupdate", "ended");
    video.pause();
    return event;
  };
  const run = async () => {
    const loaded = until("loadeddata");
    video.src = url;
    document.body.replaceChildren(video);
    let event = await loaded;
    if (event !== "loadeddata") return event;
    video.playbackRate = 16;
    for (const [start, length] of windows(video.duration)) {
      if (start > 0) {
        const seeked = until("seeked");
        video.currentTime = start;
        event = await seeked;
        if (event !== "seeked") return event;
      }
      event = await playTo(start + length);
      if (event === "error" || event === "timeout") return event;
    }
    return "";
  };
  let trouble;
  try { trouble = await run(); } catch (error) { trouble = String(error); }
  const quality = video.getVideoPlaybackQuality();
  const seen = {
    trouble: video.error ? `error ${video.error.code}: ${video.error.message}` : trouble,
    width: video.videoWidth,
    height: video.videoHeight,
    durationS: Number.isFinite(video.duration) ? video.duration : -1,
    reachedS: video.currentTime,
    frames: Math.max(quality.totalVideoFrames, video.webkitDecodedFrameCount),
    audioBytes: video.webkitAudioDecodedByteCount,
  };
  video.removeAttribute("src");
  video.load();
  return seen;
}"""

_LOOK = """async ({url, places}) => {
  const video = document.createElement("video");
  video.muted = true;
  const loaded = new Promise((resolve, reject) => {
    video.requestVideoFrameCallback(resolve);
    video.addEventListener("error", () => reject(new Error(video.error.message)), { once: true });
  });
  video.src = url;
  document.body.replaceChildren(video);
  await loaded;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  drawing.drawImage(video, 0, 0);
  const at = ([across, down]) => drawing.getImageData(
    Math.floor(across * (canvas.width - 1)), Math.floor(down * (canvas.height - 1)), 1, 1,
  );
  const colours = places.map((place) => Array.from(at(place).data.slice(0, 3)));
  video.removeAttribute("src");
  video.load();
  return colours;
}"""

_SEEK = """async ({url, placesS, width, height, patienceMs, drawnMs}) => {
  const video = document.createElement("video");
  video.muted = true;
  const until = (...names) => new Promise((resolve) => {
    const timer = setTimeout(() => resolve("timeout"), patienceMs);
    for (const name of ["error", ...names]) {
      video.addEventListener(name, () => { clearTimeout(timer); resolve(name); }, { once: true });
    }
  });
  const canvas = document.createElement("canvas");
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  // Means of areas, as a browser's own way to make pictures smaller is no such thing.
  const small = () => {
    const [across, down] = [video.videoWidth, video.videoHeight];
    [canvas.width, canvas.height] = [across, down];
    drawing.drawImage(video, 0, 0);
    const all = drawing.getImageData(0, 0, across, down).data;
    const sums = new Float64Array(width * height * 3);
    const counts = new Float64Array(width * height);
    for (let y = 0; y < down; y++) {
      const row = Math.floor((y * height) / down) * width;
      for (let x = 0; x < across; x++) {
        const cell = row + Math.floor((x * width) / across);
        const at = 4 * (y * across + x);
        counts[cell]++;
        for (let part = 0; part < 3; part++) sums[3 * cell + part] += all[at + part];
      }
    }
    return Array.from(sums, (sum, place) => sum / Math.max(1, counts[Math.floor(place / 3)]));
  };
  const goesOn = async () => {
    const target = Math.min(video.currentTime + 0.3, video.duration);
    video.play().catch(() => {});
    let event = "timeupdate";
    while (event === "timeupdate" && video.currentTime < target && !video.ended) {
      event = await until("timeupdate", "ended");
    }
    video.pause();
    return !video.error && event !== "error" && event !== "timeout";
  };
  const loaded = until("loadeddata");
  video.src = url;
  document.body.replaceChildren(video);
  const seen = [];
  if (await loaded !== "loadeddata") return seen;
  for (const placeS of placesS) {
    const seeked = until("seeked");
    const drawn = new Promise((resolve) => {
      video.requestVideoFrameCallback(resolve);
      setTimeout(resolve, drawnMs);  // no picture is drawn anew where it is the one before
    });
    video.currentTime = placeS;
    if (await seeked !== "seeked" || !video.videoWidth) break;
    await drawn;
    const pixels = small();
    if (!(await goesOn())) break;
    seen.push(pixels);
  }
  video.removeAttribute("src");
  video.load();
  return seen;
}"""


@dataclass(frozen=True)
class Played:
    """What a browser has made of a file."""

    trouble: str
    """What went wrong, in the browser's words; empty when the file was played to its end."""
    width: int
    height: int
    duration_s: float
    """-1 when the browser does not know it."""
    reached_s: float
    frames: int
    """How many pictures were decoded, in what was played."""
    audio_bytes: int
    """How much sound was decoded, in what was played."""
    is_whole: bool
    """Whether all of the file was played, and not only three windows."""


class Player:
    """One page of a browser with one video element."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser = browser
        self._folder = folder
        self._page: Page | None = None
        self._played = 0
        self._turn = asyncio.Lock()

    async def play(self, path: Path) -> Played:
        """Play a file when it is its turn; what goes wrong is told in the result."""
        told = {"url": path.absolute().as_uri(), "wholeBelowS": _WHOLE_BELOW_S, "patienceMs": 1000 * _PATIENCE_S}
        async with self._turn:
            page = await self._fresh_page()
            seen = await page.evaluate(_PLAY, told)
        return Played(
            trouble=seen["trouble"],
            width=seen["width"],
            height=seen["height"],
            duration_s=seen["durationS"],
            reached_s=seen["reachedS"],
            frames=seen["frames"],
            audio_bytes=seen["audioBytes"],
            is_whole=seen["durationS"] <= _WHOLE_BELOW_S,
        )

    async def seek(self, path: Path, places_s: Sequence[float], size: tuple[int, int]) -> list[list[float]]:
        """Return what is seen at some places, as RGB values of a small picture; no more than up to the first failure.

        A place from which the file does not go on playing is a failure.
        """
        told: dict[str, object] = {
            "url": path.absolute().as_uri(),
            "placesS": [place_s + _JUST_AFTER_S for place_s in places_s],
        }
        told |= {"width": size[0], "height": size[1]}
        told |= {"patienceMs": 1000 * _SEEK_PATIENCE_S, "drawnMs": 1000 * _DRAWN_S}
        async with self._turn:
            page = await self._fresh_page()
            seen: list[list[float]] = await page.evaluate(_SEEK, told)
        return seen

    async def look(self, path: Path, places: Sequence[tuple[float, float]]) -> list[tuple[int, int, int]]:
        """Return the colours that the first picture has at places given in shares of its width and height."""
        told = {"url": path.absolute().as_uri(), "places": [list(place) for place in places]}
        async with self._turn:
            page = await self._fresh_page()
            return [(red, green, blue) for red, green, blue in await page.evaluate(_LOOK, told)]

    async def _fresh_page(self) -> Page:
        if self._page is None or self._played % _FILES_PER_PAGE == 0:
            if self._page is not None:
                await self._page.close()
            self._page = await self._browser.new_page()
            await self._page.goto((self._folder / "player.html").as_uri())
        self._played += 1
        return self._page


@asynccontextmanager
async def open_player() -> AsyncIterator[Player]:
    """Run a browser for as long as the block runs; raise ToolMissing when there is none."""
    program = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if program is None:
        raise ToolMissing("No Chromium was found to play the results in (on Debian: apt-get install chromium).")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "player.html").write_text(_PAGE)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
            try:
                yield Player(browser, folder)
            finally:
                await browser.close()
