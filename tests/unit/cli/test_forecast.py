"""What a run over a library says of the files that it leaves as they are."""

from __future__ import annotations

from video_to_mp4.cli.library.finding import LeftOut, Video
from video_to_mp4.cli.library.forecast import Forecast, names_of_untouched
from video_to_mp4.cli.library.inspecting import Inspection, Verdict

BROKEN = Inspection(Verdict.HOPELESS, "its index is missing")


def forecast(hopeless: int) -> Forecast:
    found = [(Video(f"{number}.mkv", f"{number}.mp4", 1, 1), BROKEN) for number in range(hopeless)]
    good = (Video("good.mp4", "good.mp4", 1, 1), Inspection(Verdict.GOOD))
    return Forecast([*found, good], [LeftOut("a.avi", "a.mp4 exists already")])


def test_what_stays_though_it_is_not_good_is_named_with_its_reason() -> None:
    """What can't be converted and what is left out, but nothing of what is fine."""
    assert names_of_untouched(forecast(1), at_most=5) == [
        "0.mkv: not convertible, its index is missing",
        "a.avi: left out, a.mp4 exists already",
    ]


def test_of_many_only_the_first_are_named_unless_all_are_asked_for() -> None:
    """A library can have thousands, and what follows would scroll away."""
    told = names_of_untouched(forecast(7), at_most=5)
    assert told[4:] == [
        "4.mkv: not convertible, its index is missing",
        "And 3 more; --dry-run and --verbose name all of them.",
    ]
    assert len(names_of_untouched(forecast(7), at_most=None)) == 8
