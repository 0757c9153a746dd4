"""What a batch is made of, and what is asked of the server."""

from __future__ import annotations

from pathlib import Path

import pytest

from video_to_mp4.cli.batch import Rules, plan
from video_to_mp4.cli.left_out import LeftOutFiles
from video_to_mp4.cli.library.holding import library_at
from video_to_mp4.cli.places import check_source, check_target
from video_to_mp4.cli.wish import Wish, plain_name
from video_to_mp4.errors import WrongUsage
from video_to_mp4.jobs.encoding import AudioCodec, Container
from video_to_mp4.jobs.model import Quality

EXTENSIONS = (".mkv", ".mp4")
DEFAULT = Rules(output_dir=None, recursive=False, overwrite=False, skip_existing=False)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.mkv", "b.MKV", "letter.txt", ".hidden.mkv", "deep/a.mkv", "deep/.git/x.mkv"):
        path = tmp_path / "films" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("video")


def targets(*inputs: str, rules: Rules = DEFAULT, wish: Wish | None = None) -> list[str]:
    return [
        str(order.target)
        for order in plan([Path(name) for name in inputs], wish or Wish(), rules, EXTENSIONS, LeftOutFiles())
    ]


def into(folder: str, *, recursive: bool = False) -> Rules:
    return Rules(output_dir=Path(folder), recursive=recursive, overwrite=False, skip_existing=False)


def test_results_go_beside_their_sources_or_into_one_folder() -> None:
    """A folder stands for its videos, hidden ones excepted; what is named itself is taken as it is."""
    assert targets("films") == ["films/a.mp4", "films/b.mp4"]
    assert targets("films", rules=into("out", recursive=True)) == ["out/a.mp4", "out/b.mp4", "out/deep/a.mp4"]
    assert targets("films/letter.txt", "films/a.mkv", rules=into("out")) == ["out/letter.mp4", "out/a.mp4"]
    assert targets("films/a.mkv", "films") == ["films/a.mp4", "films/b.mp4"]
    assert targets("films/a.mkv", wish=Wish(container=Container.WEBM)) == ["films/a.webm"]


def test_what_can_not_be_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    """Two files for one name, a source that would be replaced, a result that is there, nothing to do."""
    with pytest.raises(WrongUsage, match=r"films/a\.mkv and films/deep/a\.mkv would both become out/a\.mp4"):
        targets("films/a.mkv", "films/deep/a.mkv", rules=into("out"))
    (tmp_path / "films" / "c.mp4").write_text("video")
    with pytest.raises(WrongUsage, match=r"films/c\.mp4 would be replaced by its own result"):
        targets("films/c.mp4")
    (tmp_path / "films" / "a.mp4").write_text("result")
    with pytest.raises(WrongUsage, match=r"films/a\.mp4 exists already"):
        targets("films/a.mkv")
    assert targets("films/a.mkv", rules=Rules(None, recursive=False, overwrite=True, skip_existing=False))
    assert targets("films/a.mkv", rules=Rules(None, recursive=False, overwrite=False, skip_existing=True))
    (tmp_path / "nothing").mkdir()
    with pytest.raises(WrongUsage, match="There are no videos to convert"):
        targets("nothing")


def test_only_what_was_said_is_asked_for() -> None:
    """The server's defaults stay the server's."""
    asked = Wish(quality=Quality.HIGH, audio_codec=AudioCodec.NONE).request(Path("films/a.mkv"), "x.mkv")
    assert asked.model_dump(mode="json", exclude_none=True, exclude_defaults=True) == {
        "output_filename": "x.mkv",
        "name": "a.mkv",
        "source_bytes": 5,
        "quality": "High",
        "audio": {"codec": "none"},
        "container": "mkv",
    }


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("a.mkv", "a.mkv"),
        ("a: b?.mkv", "a_ b_.mkv"),
        (".mkv", "video.mkv"),
        ("..a.mkv", "a.mkv"),
        ("\udcffa.mkv", "_a.mkv"),
    ],
)
def test_names_are_made_plain_for_the_server(name: str, plain: str) -> None:
    """A colon is fine on Linux; what the file is called here does not change."""
    assert plain_name(name) == plain


def test_a_path_that_the_file_system_refuses_is_wrong_usage() -> None:
    """A name that is too long is said in a sentence, as source, as target and as folder."""
    long = "a" * 300
    for inputs, rules in (([long], DEFAULT), (["films/a.mkv"], into(f"films/{long}"))):
        with pytest.raises(WrongUsage):
            targets(*inputs, rules=rules)
    with pytest.raises(WrongUsage, match="File name too long"):
        check_source(Path(long))
    with pytest.raises(WrongUsage, match="File name too long"):
        check_target(Path(f"{long}.mp4"), overwrite=False)
    with pytest.raises(WrongUsage, match="File name too long"):
        library_at(Path(long))


def test_a_folder_that_was_converted_beside_its_sources_can_be_gone_on_with(tmp_path: Path) -> None:
    """With --skip-existing, results of an earlier run are neither sources nor rivals for their own names."""
    (tmp_path / "films" / "a.mp4").write_text("result")
    skipping = Rules(None, recursive=False, overwrite=False, skip_existing=True)
    assert targets("films", rules=skipping) == ["films/a.mp4", "films/b.mp4"]
    assert targets("films/a.mp4", "films", rules=skipping) == ["films/a.mp4", "films/b.mp4"]
