"""A small file takes no more memory, time and disk than an honest large one; damage never brings anything down."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from animations import RED, animation, chunk, filled, frame
from clips import H264, make_clip, picture, run_ffmpeg
from hostile_files import (
    CLUSTER,
    EBML,
    SEGMENT,
    TRACKS,
    box,
    damaged,
    element,
    full_box,
    matroska,
    matroska_track,
    mp4,
    nested,
    track,
)
from hostile_yard import Yard
from video_to_mp4 import process
from video_to_mp4.jobs.model import Options, Quality
from video_to_mp4.media.guard import PROBE_MEMORY_BYTES

NORMAL_MEMORY_BYTES = 400_000_000

_PNG_OF_A_GIGAPIXEL = (
    b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBBI", 13, b"IHDR", 32_000, 32_000, 8, 6, 0, 0, 0, 0) + bytes(100)
)

_HUGE_FRAME = chunk(b"ANMF", bytes(6) + b"\xff\x1f\0\xff\x1f\0" + bytes(4) + frame(filled(RED))[24:])
"""It claims 8192x8192 pixels and has 64x48."""

BOMBS: dict[str, Callable[[], bytes]] = {
    "a WebP of 16384x16384": lambda: animation([frame(filled(RED))] * 2, (16_384, 16_384)),
    "a WebP of six billion pixels in ninety frames": lambda: animation([_HUGE_FRAME] * 90, (8192, 8192)),
    "a WebP with frames beside it": lambda: animation([_HUGE_FRAME] * 2, (16, 16)),
    "a WebP of a hundred thousand frames": lambda: animation([chunk(b"ANMF", bytes(17))] * 100_001, (16, 16)),
    "a picture of 65535x65535": lambda: mp4(track(size=(65_535, 65_535))),
    "a picture of 32000x32000 in its codec": lambda: mp4(
        track(codec=b"png ", sample_bytes=len(_PNG_OF_A_GIGAPIXEL)), content=_PNG_OF_A_GIGAPIXEL
    ),
    "a Matroska of 65535x65535": lambda: matroska(element(TRACKS, matroska_track(1, width=65_535, height=65_535))),
    "a Matroska of 4 billion pixels across": lambda: matroska(
        element(TRACKS, matroska_track(1, width=0xFFFFFFFF, height=0xFFFFFFFF))
    ),
    "two thousand tracks in an MP4": lambda: mp4(*[track()] * 2000),
    "nine hundred tracks in an MP4": lambda: mp4(*[track()] * 900),
    "a hundred tracks in a Matroska": lambda: matroska(
        element(TRACKS, b"".join(matroska_track(number) for number in range(1, 101)))
    ),
    "five thousand tracks in a Matroska": lambda: matroska(
        element(TRACKS, b"".join(matroska_track(number) for number in range(1, 5001)))
    ),
    "a hundred thousand boxes in boxes": lambda: mp4(nested(b"trak", 100_000)),
    "boxes of metadata in boxes": lambda: mp4(track(), nested(b"udta", 50_000), nested(b"meta", 50_000)),
    "a Matroska with elements in elements": lambda: EBML + element(SEGMENT, _nested_elements(2000)),
    "a box of 2^62 bytes": lambda: mp4(track()) + struct.pack(">I4sQ", 1, b"mdat", 1 << 62),
    "an index box of 2^62 bytes": lambda: mp4()[:28] + struct.pack(">I4sQ", 1, b"moov", 1 << 62) + track(),
    "a segment of 2^55 bytes": lambda: (
        EBML + element(SEGMENT, element(TRACKS, matroska_track(1)), claimed_bytes=1 << 55)
    ),
    "a cluster of 2^55 bytes": lambda: matroska(
        element(TRACKS, matroska_track(1)), element(CLUSTER, bytes(100), claimed_bytes=1 << 55)
    ),
    "a codec's data of 2^40 bytes": lambda: matroska(
        element(TRACKS, element(b"\xae", element(b"\x63\xa2", bytes(10), claimed_bytes=1 << 40)))
    ),
    "four billion samples": lambda: mp4(track(samples=0xFFFFFFFF, sample_bytes=1)),
    "a billion samples": lambda: mp4(track(samples=1_000_000_000, sample_bytes=1)),
    "a table of a billion sizes": lambda: mp4(track(samples=1_000_000_000, sample_bytes=0)),
    "samples of 4 GB": lambda: mp4(track(samples=10, sample_bytes=0xFFFFFFFF)),
    "a title of 2^31 bytes": lambda: mp4(
        track(), box(b"udta", struct.pack(">I4sHH", 0x7FFFFFFF, b"\xa9nam", 0xFFFF, 0) + b"x")
    ),
    "an edit list of a hundred million": lambda: mp4(
        track() + box(b"edts", full_box(b"elst", struct.pack(">I", 100_000_000)))
    ),
}


def _nested_elements(depth: int) -> bytes:
    made = b""
    for _ in range(depth):
        made = element(b"\x67\xc8", element(b"\x45\xa3", b"name") + made)  # tags may stand in tags
    return element(b"\x12\x54\xc3\x67", element(b"\x73\x73", made))


@pytest.mark.parametrize("kind", list(BOMBS))
async def test_a_bomb_is_refused_before_it_takes_anything(yard: Yard, kind: str) -> None:
    """Claims of billions in a few bytes cost nothing but a clear error."""
    content = BOMBS[kind]()
    assert len(content) < 3_000_000
    ended = await yard.attack(content, Options(quality=Quality.AUTO))
    assert ended.error is not None
    assert ended.memory_bytes < NORMAL_MEMORY_BYTES


def _jpeg(folder: Path) -> bytes:
    run_ffmpeg([*picture(), "-frames:v", "1", "-pix_fmt", "yuvj420p", folder / "a.jpg"])
    return (folder / "a.jpg").read_bytes()


async def test_honest_files_made_in_the_same_way_are_converted(yard: Yard, tmp_path: Path) -> None:
    """It is not by a slip in the making that the bombs above are refused."""
    jpeg = _jpeg(tmp_path)
    honest = (
        mp4(track(sample_bytes=len(jpeg)), content=jpeg),
        mp4(*[track(sample_bytes=len(jpeg))] * 60, content=jpeg),
        matroska(element(TRACKS, matroska_track(1)), picture=jpeg),
    )
    for content in honest:
        assert (await yard.attack(content)).code == "COMPLETE"


@pytest.mark.parametrize("tracks", [1, 8])
async def test_an_index_of_millions_meets_the_memory_limit(yard: Yard, tracks: int) -> None:
    """Each of 60 million samples takes 24 bytes of ffprobe's memory and none of the file's."""
    samples = track(samples=60_000_000, sample_bytes=1)
    ended = await yard.attack(mp4(*[samples] * tracks), Options(quality=Quality.AUTO))
    assert ended.code == "DAMAGED"
    assert "more pictures than the file has bytes" in str(ended.error)
    assert ended.memory_bytes < PROBE_MEMORY_BYTES + NORMAL_MEMORY_BYTES


async def test_pictures_that_need_more_memory_than_a_child_may_have_end_in_an_error(
    yard: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grey film of 8192x8192 is small as a file, and each of its pictures takes 100 MB while it is encoded."""
    source = tmp_path / "grey.mkv"
    grey = ["-f", "lavfi", "-i", "color=gray:s=4096x4096:r=25", *H264, "-threads", "1", "-frames:v", "40"]
    run_ffmpeg([*grey, source])
    defaults = process.run.__kwdefaults__
    monkeypatch.setitem(defaults, "memory_limit_bytes", 600_000_000)
    with pytest.raises(AssertionError, match="KILLED"):  # no refusal of this source, but a lack of memory
        await yard.attack(source.read_bytes())
    assert max(yard.children) < 600_000_000 + NORMAL_MEMORY_BYTES


# -------------------------------------------------------------------------------------------------------------- damage

DAMAGED_CLIPS = (
    "h264_aac_mp4", "h264_aac_mkv", "h264_mp3_avi", "h264_aac_ts", "h264_aac_flv", "wmv2_wmav2_wmv",
    "vp8_vorbis_webm", "mpeg2_mp2_mpg", "theora_vorbis_ogv", "mpeg2_pcm_mxf", "real_video_rm", "fragmented_mp4",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", DAMAGED_CLIPS)
async def test_bytes_changed_at_random_bring_nothing_down(yard: Yard, tmp_path: Path, name: str, seed: int) -> None:
    """A clear error or a result, within memory and time; `attack` looks at all the rest."""
    whole = make_clip(tmp_path, name).read_bytes()
    ended = await yard.attack(damaged(whole, seed, changes=2 + 20 * seed))
    assert ended.memory_bytes < NORMAL_MEMORY_BYTES
    ended = await yard.attack(damaged(whole, seed, changes=2 + 20 * seed), Options(quality=Quality.AUTO))
    assert ended.memory_bytes < NORMAL_MEMORY_BYTES


@pytest.mark.parametrize("seed", range(3))
async def test_an_animation_changed_at_random_brings_nothing_down(yard: Yard, seed: int) -> None:
    """Its pictures are decoded by another library than ffmpeg."""
    noise = [frame(Image.effect_noise((64, 48), 50 + step).convert("RGBA")) for step in range(4)]
    ended = await yard.attack(damaged(animation(noise), seed, changes=2 + 20 * seed))
    assert ended.memory_bytes < NORMAL_MEMORY_BYTES


@pytest.mark.parametrize("size", [0, 1, 2, 7, 8, 16, 100, 1000])
@pytest.mark.parametrize("name", ["h264_aac_mp4", "h264_aac_mkv", "h264_mp3_avi"])
async def test_a_file_of_a_few_bytes_is_refused(yard: Yard, tmp_path: Path, name: str, size: int) -> None:
    """The beginning of a head is no video."""
    ended = await yard.attack(make_clip(tmp_path, name).read_bytes()[:size])
    assert ended.error is not None
