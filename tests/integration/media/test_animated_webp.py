"""Animated WebP converts with every ffmpeg: as browsers show it, and as much of it as can be read."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import tools
from animations import BLACK, BLUE, CLEAR, CLEARED, GREEN, HALF_BLUE, RED, UNBLENDED, WHITE, WHOLE, filled, frame, webp
from clips import run_ffmpeg
from conversion import Conversion, convert, frames_of, look_at
from video_to_mp4.cli.library.inspecting import Verdict, inspect
from video_to_mp4.errors import CopyImpossible, DamagedSource, LimitExceeded, NotAVideo
from video_to_mp4.jobs.encoding import Encoding
from video_to_mp4.jobs.model import Options, Quality, Resolution
from video_to_mp4.media import source as sources
from video_to_mp4.media.source import open_source


def times_s(done: Conversion) -> list[float]:
    """Return when the frames of a result are shown."""
    rows = look_at(done.path, "-select_streams", "v", "-show_entries", "packet=pts_time")["packets"]
    return sorted(float(row["pts_time"]) for row in rows)


def colours(done: Conversion, across: float = 0.5, down: float = 0.5) -> list[str]:
    """Return in words what each frame of a result has at a place."""
    return [frame.word_at(across, down) for frame in frames_of(done.path)]


async def test_an_animated_webp_plays_once_at_the_speed_that_browsers_give_it(tmp_path: Path) -> None:
    """A delay of 0 or 10 ms is shown as 100 ms, 11 ms and more as they are, the last frame included."""
    shown = [(RED, 0), (GREEN, 11), (BLUE, 50), (WHITE, 10), (RED, 700), (BLACK, 330)]
    done = await convert(webp(tmp_path / "a.webp", [frame(filled(colour), ms) for colour, ms in shown]))
    assert times_s(done) == pytest.approx([0, 0.1, 0.111, 0.161, 0.261, 0.961], abs=0.0015)
    assert done.verified.duration_s == pytest.approx(1.291, abs=0.0015)
    assert colours(done) == ["red", "green", "blue", "white", "red", "black"]
    [result] = done.of_kind("video")
    assert (result["width"], result["height"]) == WHOLE
    assert (done.warnings, done.runs) == ((), 1)
    assert [fate.codec for fate in done.plan.fates] == ["webp"]


@pytest.mark.parametrize("is_lossless", [True, False])
async def test_what_libwebp_made_smaller_is_whole_again(tmp_path: Path, is_lossless: bool) -> None:
    """Its encoder writes what has changed only, and blends it in: an opaque animation has frames with holes."""
    source, pictures = tmp_path / "a.webp", []
    for step in range(8):
        pictures.append(filled(GREEN, (160, 120)))
        pictures[-1].paste(RED, (10 * step, 40, 10 * step + 60, 80))
    pictures[0].save(
        source, save_all=True, append_images=pictures[1:], duration=50, lossless=is_lossless, minimize_size=True
    )
    done = await convert(source)
    assert len(times_s(done)) == 8
    assert colours(done, 0.2, 0.5) == ["red"] * 4 + ["green"] * 4
    assert colours(done, 0.6, 0.5) == ["green"] * 4 + ["red"] * 4
    assert colours(done, 0.5, 0.1) == ["green"] * 8
    assert done.warnings == ()


async def test_frames_are_put_blended_and_cleared_as_the_format_says(tmp_path: Path) -> None:
    """A part stays, is blended in, takes the place of what was there, or is gone when the next one comes."""
    corner, middle = (0, 0), (32, 24)
    small = (32, 24)
    frames = [
        frame(filled(GREEN, small), at=corner),
        frame(filled(CLEAR, small), at=corner),
        frame(filled(RED, small), at=middle, flags=CLEARED),
        frame(filled(BLUE, (2, 2)), at=(32, 0)),
        frame(filled(CLEAR, small), at=corner, flags=UNBLENDED),
    ]
    done = await convert(webp(tmp_path / "a.webp", frames))
    assert colours(done, 0.25, 0.25) == ["green", "green", "green", "green", "white"]
    assert colours(done, 0.75, 0.75) == ["white", "white", "red", "white", "white"]
    assert done.warnings == ("Transparent parts are white: MP4 has no transparency.",)


@pytest.mark.parametrize("seed", range(4))
async def test_frames_of_any_kind_come_together_as_in_libwebp(tmp_path: Path, seed: int) -> None:
    """Its own reader is the measure: parts anywhere, of any transparency, with any flags."""
    if not tools.has("decoder", "apng"):
        pytest.skip("the tested ffmpeg was built without zlib")
    dice, (width, height), frames = random.Random(seed), WHOLE, []
    for _ in range(8):
        left, top = dice.randrange(0, width, 2), dice.randrange(0, height, 2)
        size = dice.randint(1, width - left), dice.randint(1, height - top)
        red, green, blue, opacity = (dice.choice([0, 100, 255]) for _ in range(4))
        frames.append(frame(filled((red, green, blue, opacity), size), at=(left, top), flags=dice.randrange(4)))
    source = webp(tmp_path / "a.webp", frames)
    opened = await open_source(source, tmp_path / "stand_in")
    args = ["-i", opened.path, "-vf", "format=rgba", "-fps_mode", "passthrough", "-f", "rawvideo", tmp_path / "raw"]
    run_ffmpeg(args)
    decoded = np.fromfile(tmp_path / "raw", np.uint8).reshape(-1, height, width, 4)
    with Image.open(source) as reader:
        assert len(decoded) == reader.n_frames == 8
        for number, picture in enumerate(decoded):
            reader.seek(number)
            assert np.abs(on_white(np.array(reader.convert("RGBA"))) - on_white(picture)).max() <= 2


def on_white(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    opacity = picture[..., 3:] / 255
    return picture[..., :3] * opacity + 255 * (1 - opacity)


async def test_what_is_transparent_in_an_animated_webp_becomes_white(tmp_path: Path) -> None:
    """As on a page; what half shows through is mixed with white."""
    done = await convert(webp(tmp_path / "a.webp", [frame(filled(HALF_BLUE)), frame(filled(CLEAR), flags=UNBLENDED)]))
    assert frames_of(done.path)[0].at(0.5, 0.5) == pytest.approx((127, 127, 255), abs=6)
    assert colours(done)[1] == "white"
    assert done.warnings == ("Transparent parts are white: MP4 has no transparency.",)


async def test_a_part_of_an_animated_webp_and_another_size_are_what_was_asked_for(tmp_path: Path) -> None:
    """Each colour is shown for 0.1 s; a part may begin within a frame."""
    frames = [frame(filled(colour, (1200, 900))) for colour in (RED, GREEN, BLUE, WHITE)]
    source = webp(tmp_path / "a.webp", frames, (1200, 900))
    asked = Encoding.model_validate({"extra_args": ["-ss", "0.1", "-to", "0.3"]})
    done = await convert(source, Options(quality=Quality.STANDARD, resolution=Resolution.SD, encoding=asked))
    assert colours(done) == ["green", "blue"]
    assert done.verified.duration_s == pytest.approx(0.2, abs=0.01)
    assert done.of_kind("video")[0]["height"] == 480


async def test_an_animated_webp_is_never_copied(tmp_path: Path) -> None:
    """Nothing plays its frames in another container, and what stands for it is not what was sent."""
    source = webp(tmp_path / "a.webp", [frame(filled(RED)), frame(filled(GREEN))])
    asked = Encoding.model_validate({"container": "mkv", "video": {"codec": "copy"}})
    with pytest.raises(CopyImpossible, match="webp can't be copied"):
        await convert(source, Options(encoding=asked))


async def test_an_animation_of_one_picture_is_a_still_picture(tmp_path: Path) -> None:
    """Whatever its header says: a video of one frame would help nobody."""
    with pytest.raises(NotAVideo, match="still picture"):
        await convert(webp(tmp_path / "a.webp", [frame(filled(RED))]))


async def test_of_a_webp_that_is_cut_off_the_whole_pictures_are_converted(tmp_path: Path) -> None:
    """How many they are is told, as nobody knows how many there were."""
    frames = [frame(filled(colour)) for colour in (RED, GREEN, BLUE)]
    source = webp(tmp_path / "a.webp", frames)
    source.write_bytes(source.read_bytes()[:-10])
    done = await convert(source)
    assert colours(done) == ["red", "green"]
    assert done.warnings == ("The file ends before its end: 2 whole pictures of it could be read.",)


async def test_a_damaged_picture_of_a_webp_is_left_out_and_the_others_keep_their_times(tmp_path: Path) -> None:
    """The picture before it stays; a frame beside the canvas, or larger than it says, is damaged, too."""
    broken = bytearray(frame(filled(BLUE)))
    broken[-12:] = bytes(12)
    liar = bytearray(frame(filled(BLUE), at=(2, 2)))
    liar[8 + 6 : 8 + 9] = (31).to_bytes(3, "little")
    frames = [
        frame(filled(RED)), bytes(broken), frame(filled(GREEN)), bytes(liar), frame(filled(BLUE), at=(2, 0)),
        frame(filled(WHITE)),
    ]  # fmt: skip
    done = await convert(webp(tmp_path / "a.webp", frames))
    assert times_s(done)[-1] == pytest.approx(0.5, abs=0.0015)
    assert colours(done) == ["red", "red", "green", "green", "green", "white"]
    told = "Damaged pictures of the animation were left out; the one before each of them stays longer (3)."
    assert done.warnings == (told,)


@pytest.mark.parametrize("kept_bytes", [21, 29, 44, 60])
async def test_a_webp_without_one_whole_picture_is_said_to_be_damaged(tmp_path: Path, kept_bytes: int) -> None:
    """Its first bytes alone say what it is."""
    source = webp(tmp_path / "a.webp", [frame(filled(RED)), frame(filled(GREEN))])
    source.write_bytes(source.read_bytes()[:kept_bytes])
    with pytest.raises(DamagedSource, match="animated WebP can't be read"):
        await convert(source)


async def test_a_webp_of_noise_after_its_header_is_said_to_be_damaged(tmp_path: Path) -> None:
    """Not one of its pictures can be decoded."""
    broken = bytearray(frame(filled(RED)))
    broken[32:] = bytes(len(broken) - 32)
    with pytest.raises(DamagedSource, match="animated WebP can't be read"):
        await convert(webp(tmp_path / "a.webp", [bytes(broken)] * 3))


@pytest.mark.parametrize(
    ("limit", "allowed", "sentence"),
    [("_MOST_PIXELS", 2 * 64 * 48, "6,144 pixels together"), ("_MOST_FRAMES", 2, "more than 2 pictures")],
)
async def test_an_animated_webp_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, allowed: int, sentence: str
) -> None:
    """A megabyte can hold a day of one colour; what stands for it must not fill the disk."""
    two = [frame(filled(RED)), frame(filled(GREEN))]
    monkeypatch.setattr(sources, limit, allowed)
    await convert(webp(tmp_path / "a.webp", two))
    with pytest.raises(LimitExceeded, match=sentence):
        await convert(webp(tmp_path / "b.webp", [*two, two[0]]))


async def test_a_canvas_that_is_too_large_is_refused_before_anything_is_decoded(tmp_path: Path) -> None:
    """By the size that the header claims."""
    with pytest.raises(LimitExceeded, match="9000x9000 pixels"):
        await convert(webp(tmp_path / "a.webp", [frame(filled(RED))] * 2, (9000, 9000)))


async def test_a_library_leaves_the_verdict_on_an_animated_webp_to_the_server(tmp_path: Path) -> None:
    """Where it lies nothing is written to find out, and the server can convert it."""
    found = await inspect(webp(tmp_path / "a.mp4", [frame(filled(RED))] * 2), Resolution.ORIGINAL, Quality.AUTO)
    assert found.verdict is Verdict.UNKNOWN
