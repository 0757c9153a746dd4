"""Colours with any tags are what the standards say, within 2 of 255 on the screen that nearly everybody has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from colorimetry import SAMPLES, Tags, read_patches, shown, write_patches
from conversion import convert
from video_to_mp4.jobs.model import Options, Quality
from video_to_mp4.media.colour import BT709
from video_to_mp4.media.plan import make_plan
from video_to_mp4.media.probe import probe

HIGH = Options(quality=Quality.HIGH)


@pytest.mark.parametrize(
    "tags",
    [
        # what there was before, beside rarities of each kind
        Tags("smpte432", "bt709", "bt709"),
        Tags("smpte432", "iec61966-2-1", "bt709"),
        Tags("smpte432", "iec61966-2-1", "smpte170m"),
        Tags("smpte431", "smpte428", "bt709"),
        Tags("smpte432", "bt1361e", "bt2020nc"),
        Tags("bt2020", "bt2020-10", "bt2020nc"),
        Tags("bt2020", "bt2020-12", "bt2020c"),
        Tags("bt2020", "bt470m", "bt709", is_full=True),
        Tags("smpte240m", "smpte240m", "smpte240m"),
        Tags("bt470m", "bt470m", "fcc"),
        Tags("bt470bg", "bt470bg", "bt470bg"),
        Tags("film", "linear", "chroma-derived-nc"),
        Tags("smpte428", "smpte428", "bt709"),
        Tags("bt2020", "log100", "chroma-derived-c"),
        Tags("jedec-p22", "log316", "ycgco"),
        Tags("bt709", "iec61966-2-4", "ycgco", is_full=True),
        Tags("smpte170m", "linear", "smpte170m"),
    ],
    ids=lambda tags: "-".join([tags.primaries, tags.transfer, tags.matrix, "full" if tags.is_full else "limited"]),
)
async def test_colours_are_what_their_tags_say(tmp_path: Path, tags: Tags) -> None:
    """By the stream's own matrix, curve and primaries; the result has tags that every browser goes by."""
    source = tmp_path / "patches.mkv"
    write_patches(source, SAMPLES, tags)
    plan = make_plan(await probe(source), HIGH)
    made = Tags(plan.picture.colour.primaries, plan.picture.colour.transfer, plan.picture.colour.matrix)
    assert made.primaries in {"bt709", "smpte170m", "bt470bg", "smpte240m"}
    assert made.transfer in {"bt709", "smpte170m", "iec61966-2-1", "bt470m", "bt470bg"}
    assert made.matrix in {"bt709", "smpte170m", "bt470bg"}
    made_samples = read_patches(source, len(SAMPLES), filters=plan.picture.filters)
    seen = [shown(sample, made, made.transfer, bits=8) for sample in made_samples]
    assert seen == [pytest.approx(shown(sample, tags, made.transfer), abs=2) for sample in SAMPLES]
    assert not plan.warnings


@pytest.mark.parametrize(
    "tags",
    [
        Tags("smpte431", "smpte428", "bt709"),
        Tags("jedec-p22", "bt1361e", "bt2020c"),
        Tags("jedec-p22", "log316", "ycgco"),
    ],
    ids=lambda tags: tags.matrix,
)
async def test_rare_tags_end_no_job(tmp_path: Path, tags: Tags) -> None:
    """Digital cinema's colours, and constant luminance, come through encoder and check as well."""
    source = tmp_path / "patches.mkv"
    write_patches(source, SAMPLES, tags)
    done = await convert(source, HIGH)
    (video,) = done.of_kind("video")
    made = Tags(video["color_primaries"], video["color_transfer"], video["color_space"])
    assert made == Tags("bt709", "bt709", "bt709")
    seen = [shown(sample, made, bits=8) for sample in read_patches(done.path, len(SAMPLES))]
    assert seen == [pytest.approx(shown(sample, tags), abs=5) for sample in SAMPLES]


@pytest.mark.parametrize("tags", [bytes((0, 0, 0)), bytes((1, 1, 8))], ids=["reserved", "ycgco"])
async def test_tags_that_only_frames_have_end_no_job(tmp_path: Path, tags: bytes) -> None:
    """ProRes has tags in each frame, where swscale looks but not every ffprobe does; greys are right by any."""
    source = tmp_path / "patches.mov"
    write_patches(source, SAMPLES, Tags(), codec=("-c:v", "prores_ks"))
    source.write_bytes(re.sub(rb"(icpf.{14}).{3}", lambda frame: frame[1] + tags, source.read_bytes(), flags=re.DOTALL))
    done = await convert(source, HIGH)
    stored = [[value / 4 for value in sample] for sample in SAMPLES[:4]]
    assert read_patches(done.path, len(SAMPLES))[:4] == [pytest.approx(sample, abs=2) for sample in stored]


@pytest.mark.parametrize(
    ("tags", "rarity"),
    [
        (Tags("bt2020", "smpte2084", "bt2020c"), "bt2020c"),
        (Tags("bt2020", "smpte2084", "chroma-derived-c"), "chroma-derived-c"),
        (Tags("bt2020", "bt709", "ictcp"), "ictcp"),
        (Tags("bt709", "bt709", "smpte2085"), "smpte2085"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.transfer,
)
async def test_what_has_no_name_here_is_read_as_its_nearest_and_told(tmp_path: Path, tags: Tags, rarity: str) -> None:
    """Greys are right whatever the matrix is; that colours may not be is said on the row."""
    source = tmp_path / "patches.mkv"
    write_patches(source, SAMPLES, tags)
    done = await convert(source, HIGH)
    (warning,) = done.warnings
    assert rarity in warning
    for _, blue, red in read_patches(done.path, len(SAMPLES))[:4]:
        assert (blue, red) == pytest.approx((128, 128), abs=2)


@pytest.mark.parametrize("matrix", ["bt709", "bt2020nc", "ictcp", "ycgco", "chroma-derived-nc", "smpte170m"])
@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
async def test_hdr_is_read_by_its_own_matrix(tmp_path: Path, transfer: str, matrix: str) -> None:
    """What one matrix makes of samples is seen as what BT.2020's makes of the same colours."""
    source = tmp_path / "patches.mkv"
    write_patches(source, SAMPLES, Tags("bt2020", transfer, matrix))
    plan = make_plan(await probe(source), HIGH)
    assert not plan.warnings
    assert plan.picture.colour == BT709
    assert read_patches(source, len(SAMPLES), filters=plan.picture.filters)[0] == pytest.approx((16, 128, 128), abs=2)
