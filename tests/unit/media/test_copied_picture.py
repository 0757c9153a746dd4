"""Which pictures are decoded while they are copied, and when a result's need not be decoded once more."""

from __future__ import annotations

from typing import Any

import pytest

from media_facts import media, picture, sound
from video_to_mp4.jobs.encoding import Encoding, VideoCodec, VideoOptions
from video_to_mp4.jobs.model import Options, Quality
from video_to_mp4.media.copied_picture import DecodedPicture, is_worth_decoding
from video_to_mp4.media.info import MediaInfo
from video_to_mp4.media.plan import make_plan
from video_to_mp4.media.sampling import Places

AUTO = Options(quality=Quality.AUTO)
COPY = VideoOptions(codec=VideoCodec.COPY)
LARGE = 200_000_000
PLACES = Places.of_result(make_plan(media(), AUTO), 60.0)
RESULT = media(picture(parameters="p"), sound())
DECODED = DecodedPicture("p", frozenset("abcdef"))
Row = dict[str, Any]


def packets(hashes: str, from_s: float = 0.0) -> list[Row]:
    """Return the packets of a place: a picture for each letter, and a sound, whose bytes don't matter."""
    rows: list[Row] = []
    for number, name in enumerate(hashes):
        at_s = f"{from_s + number / 25}"
        rows.append({"type": "packet", "stream_index": 0, "dts_time": at_s, "data_hash": name})
        rows.append({"type": "packet", "stream_index": 1, "dts_time": at_s, "data_hash": "sound"})
    return rows


@pytest.mark.parametrize(
    ("info", "options", "is_worth_it"),
    [
        (media(size_bytes=LARGE), AUTO, True),
        (media(size_bytes=LARGE, container="mov,mp4,m4a,3gp,3g2,mj2"), AUTO, True),
        (media(), AUTO, False),  # small
        (media(size_bytes=LARGE, container="mpegts"), AUTO, False),  # its packets are rewritten
        (media(size_bytes=LARGE), Options(quality=Quality.HIGH), False),  # encoded
        (media(size_bytes=LARGE), Options(encoding=Encoding(video=COPY)), False),  # never decoded
    ],
)
def test_a_large_picture_that_is_copied_packet_by_packet_is_decoded_meanwhile(
    info: MediaInfo, options: Options, is_worth_it: bool
) -> None:
    """For all others it would be work that is done for nothing."""
    assert is_worth_decoding(make_plan(info, options)) is is_worth_it


def test_a_result_with_the_packets_that_were_decoded_is_known() -> None:
    """It may have fewer of them: sound stands between its pictures."""
    assert DECODED.is_in(
        RESULT, [*packets("ab"), *packets("b"), *packets("cd"), *packets("c"), *packets("cde")], PLACES
    )


@pytest.mark.parametrize(
    "rows",
    [
        [*packets("ab"), *packets("b"), *packets("cX"), *packets("c"), *packets("cde")],
        [*packets("ab"), *packets("b"), *packets("cd"), *packets("c")],
        [*packets("ab"), *packets("b"), *packets("cd"), *packets("c"), *packets("")],
        [],
    ],
    ids=["another picture", "no end", "no picture at the end", "nothing"],
)
def test_a_result_that_differs_is_not_known(rows: list[Row]) -> None:
    """Then it is decoded itself."""
    assert not DECODED.is_in(RESULT, rows, PLACES)


def test_other_parameters_make_other_pictures_of_the_same_packets() -> None:
    """The decoder is set up by them."""
    rows = [*packets("ab"), *packets("b"), *packets("cd"), *packets("c"), *packets("cde")]
    assert not DECODED.is_in(media(picture(parameters="q"), sound()), rows, PLACES)
