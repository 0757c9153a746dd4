"""The check of a result decodes its first, middle and last second."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from clips import AAC, H264, TONE, picture, run_ffmpeg
from conversion import convert, look_at
from video_to_mp4.errors import ResultUnverified
from video_to_mp4.jobs.model import Options, Quality
from video_to_mp4.media import verify as verify_module
from video_to_mp4.media.copied_picture import decode_source
from video_to_mp4.media.plan import make_plan
from video_to_mp4.media.probe import probe
from video_to_mp4.media.verify import verify

LENGTH_S = 10
AUTO = Options(quality=Quality.AUTO)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source whose picture and sound are copied."""
    source = tmp_path / "source.mkv"
    run_ffmpeg([*picture("160x120"), *TONE, *H264, "-g", "25", *AAC, "-t", LENGTH_S, source])
    return source


@pytest.mark.parametrize("place_s", [0.5, LENGTH_S / 2, LENGTH_S - 0.6])
@pytest.mark.parametrize("kind", ["video", "audio"])
async def test_damage_in_each_of_the_three_places_is_found(source: Path, place_s: float, kind: str) -> None:
    """A result whose samples can't be decoded is never offered, wherever among the three places they are."""
    done = await convert(source, AUTO)
    assert (await verify(done.path, done.plan)).duration_s == pytest.approx(LENGTH_S, abs=0.1)
    for place, size in packets_near(done.path, kind, place_s):
        destroy(done.path, place, size)
    with pytest.raises(ResultUnverified):
        await verify(done.path, done.plan)


@pytest.mark.parametrize("is_told_by_probe", [True, False])
async def test_a_damaged_source_may_turn_out_to_be_as_long_as_it_claims(source: Path, is_told_by_probe: bool) -> None:
    """The list of packets ends at damage that ffmpeg passes over; without any damage nobody knows what came."""
    done = await convert(source, AUTO)
    complaint = "Invalid data found when processing input"
    info = replace(done.plan.info, streams=tuple(replace(s, end_s=1.0, packets=25) for s in done.plan.info.streams))
    with pytest.raises(ResultUnverified):
        await verify(done.path, make_plan(info, AUTO))
    told = replace(info, complaints=complaint) if is_told_by_probe else info
    stderr = "" if is_told_by_probe else complaint
    assert (await verify(done.path, make_plan(told, AUTO), stderr=stderr)).duration_s == pytest.approx(10, abs=0.1)
    with pytest.raises(ResultUnverified):
        await verify(done.path, make_plan(replace(told, claimed_duration_s=3.0), AUTO), stderr=stderr)


@pytest.mark.parametrize("length_s", [LENGTH_S, 15])
@pytest.mark.parametrize("place", ["beginning", "middle", "end"])
async def test_damage_in_a_picture_of_long_groups_is_found(tmp_path: Path, length_s: int, place: str) -> None:
    """Left to itself, x264 has a key frame each 250 pictures: the middle may lie seconds after the one before it."""
    source = tmp_path / "source.avi"
    run_ffmpeg([*picture("160x120"), *TONE, "-c:v", "mpeg4", *AAC, "-t", length_s, source])
    done = await convert(source, Options(quality=Quality.STANDARD))
    place_s = {"beginning": 0.5, "middle": length_s / 2, "end": length_s - 0.6}[place]
    for start, size in packets_near(done.path, "video", place_s):
        destroy(done.path, start, size)
    with pytest.raises(ResultUnverified):
        await verify(done.path, done.plan)


@pytest.mark.parametrize("container", ["matroska", "mp4"])
async def test_a_picture_that_was_decoded_while_it_was_copied_is_known_in_the_result(
    source: Path, monkeypatch: pytest.MonkeyPatch, container: str
) -> None:
    """It is not decoded once more, and the result is judged as if it had been."""
    other = source.with_suffix(".other")
    run_ffmpeg(["-i", source, "-c", "copy", "-f", container, other])
    done = await convert(other, AUTO)
    monkeypatch.setattr(verify_module, "decoding_flags", never_asked)
    assert (await verify(done.path, done.plan, decoding=decode_source(other, done.plan))) == done.verified


def never_asked(*_: object) -> list[str]:
    raise AssertionError("the result is decoded")


@pytest.mark.parametrize("place_s", [0.5, LENGTH_S / 2, LENGTH_S - 0.6])
async def test_damage_in_the_source_is_no_proof_of_a_good_result(source: Path, place_s: float) -> None:
    """Nothing was decoded that a result could be compared with."""
    plan = make_plan(await probe(source), AUTO)
    for place, size in packets_near(source, "video", place_s):
        destroy(source, place, size)
    assert await decode_source(source, plan) is None


@pytest.mark.parametrize("place_s", [0.5, LENGTH_S / 2, LENGTH_S - 0.6])
@pytest.mark.parametrize("kind", ["video", "audio"])
async def test_damage_in_the_result_is_found_though_the_source_was_good(
    source: Path, place_s: float, kind: str
) -> None:
    """A disk may have changed what was copied: then the result itself is decoded."""
    done = await convert(source, AUTO)
    decoding = asyncio.create_task(decode_source(source, done.plan))
    assert await decoding is not None
    for place, size in packets_near(done.path, kind, place_s):
        destroy(done.path, place, size)
    with pytest.raises(ResultUnverified):
        await verify(done.path, done.plan, decoding=decoding)


def packets_near(path: Path, kind: str, place_s: float) -> list[tuple[int, int]]:
    """Return place and size of the packets of half a second."""
    entries = ["-show_packets", "-select_streams", kind[0], "-show_entries", "packet=pts_time,pos,size"]
    packets = look_at(path, *entries)["packets"]
    near = [packet for packet in packets if abs(float(packet["pts_time"]) - place_s) < 0.25]
    return [(int(packet["pos"]), int(packet["size"])) for packet in near]


def destroy(path: Path, place: int, size: int) -> None:
    """Put other bytes in the place of a packet, but for its length."""
    with path.open("r+b") as file:
        file.seek(place + 4)
        file.write(b"\xff" * max(0, size - 4))
