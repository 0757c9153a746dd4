"""ffprobe's list of packets and frames is cut into windows, each of which must hold a picture."""

from __future__ import annotations

from typing import Any

import pytest

from media_facts import media, picture
from video_to_mp4.jobs.model import Options, Quality
from video_to_mp4.media.plan import make_plan
from video_to_mp4.media.sampling import Places, complaint_faults, picture_faults, sound_faults

INFO = media()
PLAN = make_plan(INFO, Options())
ENCODED = Options(quality=Quality.HIGH)
Row = dict[str, Any]


def packet(at_s: float, index: int = 0) -> Row:
    return {"type": "packet", "stream_index": index, "dts_time": f"{at_s}"}


def frame(index: int = 0, **facts: Any) -> Row:
    known = {"width": 1920, "height": 1080, "pix_fmt": "yuv420p"} if index == 0 else {}
    return {"type": "frame", "stream_index": index, **known, **facts}


def second(from_s: float, *, has_picture: bool = True, has_sound: bool = True) -> list[Row]:
    """Return the packets of ten pictures and sounds, and what was decoded of them."""
    rows: list[Row] = []
    for number in range(10):
        rows += [packet(from_s + number / 25), *([frame()] if has_picture else [])]
        rows += [packet(from_s + number / 25, 1), *([frame(1)] if has_sound else [])]
    return rows


def faults(rows: list[Row], complaints: str = "", duration_s: float = 60.0) -> list[str]:
    places = Places.of_result(PLAN, duration_s)
    [picture], sounds = INFO.of_kind("video"), INFO.of_kind("audio")
    return [*picture_faults(rows, picture, places), *sound_faults(rows, sounds), *complaint_faults(complaints, places)]


def test_a_picture_in_each_window_and_some_sound_is_enough() -> None:
    """The clock goes back to a key frame for each window, which is where the next one begins."""
    rows = [*second(0), *second(0, has_sound=False), *second(0), *second(0), *second(0)]
    assert faults(rows) == []


@pytest.mark.parametrize(
    ("place", "name"),
    list(enumerate(["at the beginning", "after a quarter", "in the middle", "after three quarters", "at the end"])),
    ids=lambda value: str(value),
)
def test_a_window_without_a_picture_is_a_fault(place: int, name: str) -> None:
    """A result whose middle or end can't be seen is not offered."""
    rows = [row for number in range(5) for row in second(0, has_picture=number != place)]
    assert faults(rows) == [f"Not one picture can be decoded {name}."]


def test_windows_that_follow_each_other_closely_are_told_apart_by_their_number_of_packets() -> None:
    """The next may begin right after the first second, so that no clock goes back."""
    asked = Places.of_result(PLAN, 60.0).second
    first = [packet(number / 25) for number in range(asked)] + [frame(), frame(1)]
    rest = [packet((asked + number) / 25) for number in range(asked)]
    rows = [*first, *rest, *second(0), *second(0), *second(0)]
    assert faults(rows) == ["Not one picture can be decoded after a quarter."]


def test_windows_that_are_missing_are_faults() -> None:
    """The one who listed them gave up after the first."""
    assert faults([*second(0), *second(0), *second(0)]) == [
        "Not one picture can be decoded after three quarters.",
        "Not one picture can be decoded at the end.",
    ]


def test_a_short_result_is_one_window() -> None:
    """It is decoded once, from its beginning to its end."""
    assert "," not in Places.of_result(PLAN, 3.0).intervals
    assert faults(second(0), duration_s=3.0) == []


def one_group(decoded_s: tuple[float, float]) -> list[str]:
    """Return the faults of a result of one group, of which one picture in four can be decoded in this span.

    A decoder gives some of its pictures only when there are no more packets.
    """
    plan = make_plan(media(picture(packets=200, end_s=8.0)), ENCODED)
    places = Places.of_result(plan, 8.0)
    assert "," not in places.intervals
    from_s, to_s = decoded_s
    packets = [packet(number / 25) for number in range(200)]
    frames = [frame(pts_time=f"{number / 25}") for number in range(0, 200, 4) if from_s <= number / 25 < to_s]
    return picture_faults([*packets, *frames], plan.picture.stream, places)


def test_a_result_of_one_group_is_decoded_once_and_must_show_its_middle_and_its_end() -> None:
    """Its end can't be decoded without the rest; to go to its beginning three times would only cost time."""
    assert one_group((0.0, 8.0)) == []
    assert one_group((0.0, 4.0)) == ["Not one picture can be decoded at the end."]
    assert one_group((0.0, 2.0))[0] == "Not one picture can be decoded in the middle."
    assert one_group((3.0, 8.0)) == ["Not one picture can be decoded at the beginning."]


def test_a_result_of_few_pictures_need_not_show_one_in_each_third() -> None:
    """Of those that no other needs, none is decoded."""
    plan = make_plan(media(picture(packets=5, end_s=5.0)), ENCODED)
    rows = [*(packet(number) for number in range(5)), frame(pts_time="0.0")]
    assert picture_faults(rows, plan.picture.stream, Places.of_result(plan, 5.0)) == []


def test_what_changes_on_the_way_is_a_fault() -> None:
    """Players keep to the size and the format that the file begins with."""
    assert faults([*second(0), frame(width=640)], duration_s=3.0) == ["The size of the pictures changes on the way."]
    assert faults([*second(0), frame(pix_fmt="yuv444p")], duration_s=3.0) == ["The pixel format changes on the way."]


def test_an_encoded_picture_is_looked_at_in_three_places() -> None:
    """Its groups of pictures are ours."""
    places = Places.of_result(make_plan(INFO, ENCODED), 60.0)
    assert [place.split("%")[0] for place in places.intervals.split(",")] == ["", "30.000", "100000000"]


def test_interlaced_pictures_are_a_fault() -> None:
    """Nothing that is copied or encoded has any."""
    assert faults([*second(0), frame(interlaced_frame=1)], duration_s=3.0) == ["There are interlaced pictures."]


def test_what_a_picture_needs_of_before_a_key_frame_is_a_fault_in_a_copy() -> None:
    """Its index lists places where decoding can begin; a source's may list others, too."""
    complaint = "[h264 @ 0x1] reference picture missing during reorder"
    assert complaint_faults(complaint, Places.of_result(PLAN, 60.0)) == [
        "[h264] reference picture missing during reorder"
    ]
    assert complaint_faults(complaint, Places.of_source(PLAN, 60.0)) == []


def test_a_silent_track_and_a_decoders_complaint_are_faults() -> None:
    """But not what a decoder says of a stream that it can decode all the same."""
    assert faults(second(0, has_sound=False), duration_s=3.0) == ["Nothing of sound track 1 can be decoded."]
    assert faults(second(0), "[h264 @ 0x1] number of reference frames (0+5) exceeds max (4)", 3.0) == []
    assert faults(second(0), "[h264 @ 0x1] error while decoding MB 1 2", 3.0) == ["[h264] error while decoding MB 1 2"]


def test_the_same_places_of_a_source_lie_after_its_start_and_have_pictures_only() -> None:
    """A source's clock may begin anywhere; its result's begins at 0."""
    plan = make_plan(media(start_s=100.0), Options())
    result, source = Places.of_result(plan, 60.0), Places.of_source(plan, 60.0)
    inner = ["115.000", "130.000", "145.000"]
    assert [place.split("%")[0] for place in source.intervals.split(",")] == ["", *inner, "100000000"]
    assert [place.split("%")[0] for place in result.intervals.split(",")] == [
        "",
        "15.000",
        "30.000",
        "45.000",
        "100000000",
    ]
    assert 25 < source.second < result.second
