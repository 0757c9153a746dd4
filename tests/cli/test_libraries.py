"""batch --replace and library …: a folder of videos is converted in place, and comes back as it was."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clips import make_clip
from command_line import PATIENCE_S, Person
from waiting import eventually

SHELF = ".video-to-mp4-originals"
needs_root_of_linux = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root of Linux can mount"
)


def add(folder: Path, kind: str, name: str, *, number: int = 0) -> None:
    """Put an old clip into a library."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    make_clip(path.parent, kind, file_name=path.name)
    path.chmod(0o640)
    os.utime(path, ns=(1_600_000_000_000_000_000, 1_500_000_000_000_000_000 + number * 1_000_000_007))


def tree(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Return name, hash, time and mode of all that is in a library, the backup folder included."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
            path.stat().st_mode,
        )
        for path in folder.rglob("*")
        if path.is_file()
    }


def videos(folder: Path) -> set[str]:
    """Return the names of what a library holds for those who watch it."""
    return {name for name in tree(folder) if not name.startswith(SHELF)}


@pytest.fixture
def films(person: Person) -> Path:
    """A library with one video of each kind."""
    folder = person.folder / "films"
    add(folder, "h264_aac_mkv", "a/remux é.mkv", number=1)
    add(folder, "mpeg4_mp3_avi", "encode.avi", number=2)
    add(folder, "h264_mp3_mp4", "same name.mp4", number=3)
    add(folder, "main_profile_mp4", "good.mp4", number=4)
    (folder / "note.txt").write_text("no video")
    return folder


def test_a_dry_run_tells_what_would_be_done_and_does_nothing(person: Person, films: Path) -> None:
    """The counts, the room, and each file that would be touched; nothing is sent, nothing is written."""
    before = tree(films)
    done = person.run("batch", "films", "--replace", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "Would be remuxed: 2, encoded: 1, already good: 1." in done.stdout
    assert "Space, roughly: " in done.stdout
    assert "encode.avi\tencoded\tbecomes H.264: mpeg4 does not play everywhere" in done.stdout
    assert "good.mp4" not in done.stdout
    assert "Left out: 1 file that is not a video (1 text)." in done.stdout
    told = json.loads(person.run("batch", "films", "--replace", "--dry-run", "--json").stdout)
    assert (told["counts"]["remux"], told["counts"]["encode"], told["counts"]["good"]) == (2, 1, 1)
    assert told["extra_bytes_during"] > 0
    assert told["not_videos"] == {"count": 1, "files": [], "kinds": {"text": 1}, "folders": []}
    assert tree(films) == before
    assert person.jobs() == []


def test_a_library_is_converted_in_place_and_rolled_back(person: Person, films: Path) -> None:
    """Times and modes stay, the good one is not touched, the server keeps nothing; then all is as it was."""
    before = tree(films)
    done = person.run("batch", "films", "--replace")
    assert done.returncode == 0, done.stderr
    now = tree(films)
    assert videos(films) == {"a/remux é.mp4", "encode.mp4", "same name.mp4", "good.mp4", "note.txt"}
    assert now["good.mp4"] == before["good.mp4"]
    assert now["a/remux é.mp4"][1:] == before["a/remux é.mkv"][1:]
    assert now["same name.mp4"][0] != before["same name.mp4"][0]
    assert person.jobs() == []
    assert "1 encoded" in done.stderr
    assert "2 remuxed" in done.stderr
    again = person.run("batch", "films", "--replace")
    assert "Would be remuxed: 0, encoded: 0, already good: 4." in again.stderr
    assert tree(films).items() >= {name: now[name] for name in videos(films)}.items()
    status = person.json("library", "status", "films")
    assert {(row["input"], row["state"]) for row in status["files"]} >= {("encode.avi", "encoded")}
    rolled_back = person.run("library", "rollback", "films")
    assert (rolled_back.returncode, rolled_back.stdout) == (0, "3 originals are back.\n")
    assert tree(films) == before
    assert not (films / SHELF).exists()


def test_a_video_that_took_a_results_place_after_a_crash_is_kept_beside_the_earlier_original(person: Person) -> None:
    """The run that goes on where another one was killed has two originals of one name to keep."""
    folder = person.folder / "films"
    add(folder, "h264_mp3_mp4", "film.mp4", number=1)
    first = (folder / "film.mp4").read_bytes()
    assert person.run("batch", "films", "--replace").returncode == 0
    journal = folder / SHELF / "journal.jsonl"
    journal.write_text("".join(line for line in journal.open() if "run_ends" not in line))
    (folder / "film.mp4").unlink()
    add(folder, "h264_mp3_mp4", "film.mp4", number=2)
    second = (folder / "film.mp4").read_bytes() + b"another"
    (folder / "film.mp4").write_bytes(second)
    os.utime(folder / "film.mp4", (1_500_000_000, 1_500_000_000))
    done = person.run("batch", "films", "--replace")
    assert done.returncode == 0, done.stderr
    kept = [path.read_bytes() for path in (folder / SHELF / "originals").rglob("*.mp4")]
    assert sorted(kept) == sorted([first, second])


def test_what_the_file_system_says_of_one_video_is_its_own_trouble(person: Person) -> None:
    """It fails with a sentence, and is not touched."""
    folder = person.folder / "films"
    add(folder, "h264_mp3_mp4", "film.mp4", number=1)
    before = (folder / "film.mp4").read_bytes()
    (folder / SHELF).mkdir()
    (folder / SHELF / "parts").write_text("no folder")
    done = person.run("batch", "films", "--replace")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "can't be replaced" in done.stderr
    assert (folder / "film.mp4").read_bytes() == before


def test_cleanup_deletes_the_originals_and_asks_first(person: Person, films: Path) -> None:
    """Without a terminal only with --yes; the results stay, and are known as good ones."""
    (films / "encode.avi").unlink()
    assert person.run("batch", "films", "--replace").returncode == 0
    refused = person.run("library", "cleanup", "films")
    assert (refused.returncode, "Nothing was deleted" in refused.stderr) == (2, True)
    done = person.run("library", "cleanup", "films", "--yes")
    assert done.stdout.startswith("2 originals deleted")
    assert not (films / SHELF / "originals").exists()
    assert "already good: 3" in person.run("batch", "films", "--replace", "--dry-run").stdout


def test_originals_go_when_their_days_are_over(person: Person) -> None:
    """--keep-originals 0 keeps none."""
    add(person.folder / "films", "h264_aac_mkv", "film.mkv")
    assert person.run("batch", "films", "--replace", "--keep-originals", "0").returncode == 0
    assert videos(person.folder / "films") == {"film.mp4"}
    assert not any((person.folder / "films" / SHELF).rglob("*.mkv"))


@pytest.fixture
def long_and_short(person: Person) -> Path:
    """A library of a short video and one that takes minutes."""
    folder = person.folder / "films"
    add(folder, "h264_ac3_mkv", "a.mkv", number=1)
    add(folder, "long_1080p_mp4", "b.mkv", number=2)
    return folder


@pytest.mark.parametrize(("answer", "expected"), [("y", {"a.mkv", "b.mkv"}), (None, {"a.mp4", "b.mkv"})])
def test_ctrl_c_asks_whether_to_roll_back(
    person: Person, long_and_short: Path, answer: str | None, expected: set[str]
) -> None:
    """What was under way is canceled and leaves nothing; what is done stays, unless one says otherwise."""
    before = tree(long_and_short)
    terminal = person.terminal("batch", "films", "--replace", "--jobs", "1", "--quality", "Maximum")
    terminal.until(r"b\.mkv +Converting +\S+ +\d")
    terminal.press_ctrl_c()
    terminal.until(r"1 files were replaced\. Roll them back\?")
    assert person.jobs() == []
    assert person.server.converters() == []
    terminal.press_ctrl_c() if answer is None else terminal.type(answer)
    assert terminal.wait() == 130, terminal.text
    assert videos(long_and_short) == expected
    if answer == "y":
        assert tree(long_and_short) == before
    else:
        person.run("library", "rollback", "films")
        assert tree(long_and_short) == before


def test_a_run_that_was_killed_is_gone_on_with(person: Person) -> None:
    """The file that was sent is not sent again: its job on the server is taken up by the next run."""
    folder = person.folder / "films"
    add(folder, "watched_mpeg4_mp3_avi", "film.avi")
    command = person.command("batch", "films", "--replace", "--quality", "Maximum")
    killed = subprocess.Popen(command, cwd=person.folder, env=person.env, stderr=subprocess.DEVNULL)
    eventually(
        lambda: (folder / SHELF / "journal.jsonl").exists() and "running" in person.states(), timeout_s=PATIENCE_S
    )
    killed.kill()
    killed.wait()
    [job] = person.jobs()
    status = person.run("library", "status", "films")
    assert "The last run did not come to its end." in status.stderr
    done = person.run(*command[3:])
    assert done.returncode == 0, done.stderr
    assert videos(folder) == {"film.mp4"}
    lines = [json.loads(line) for line in (folder / SHELF / "journal.jsonl").read_text().splitlines()]
    assert {line["job_id"] for line in lines if line.get("job_id")} == {job["job_id"]}
    assert person.jobs() == []


def test_two_runs_at_once_are_refused(person: Person, films: Path) -> None:
    """In the same folder, in one above, in one below: the second one says so and touches nothing."""
    before = tree(films)
    (films / "a" / SHELF).mkdir()
    with (films / "a" / SHELF / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for folder in ("films", "films/a"):
            refused = person.run("batch", folder, "--replace")
            assert (refused.returncode, "Another run is at work in" in refused.stderr) == (2, True), refused.stderr
        (films / "a" / "deeper").mkdir()
        assert person.run("batch", "films/a/deeper", "--replace").returncode == 2
    assert tree(films).items() >= before.items()
    assert person.run("batch", "films", "--replace", "--dry-run").returncode == 0


def test_without_ffprobe_the_server_says_what_is_good(person: Person, films: Path) -> None:
    """Every file is sent then, and one whose streams would all be copied stays as it is."""
    before = tree(films)
    person.settings["PATH"] = str(person.folder)
    told = person.run("batch", "films", "--replace", "--dry-run")
    assert "not known: 4" in told.stdout
    done = person.run("batch", "films", "--replace")
    assert done.returncode == 0, done.stderr
    assert "good.mp4: skipped, good already, says the server" in done.stderr
    assert tree(films)["good.mp4"] == before["good.mp4"]
    assert "encode.mp4" in videos(films)
    assert person.jobs() == []


def test_what_can_not_be_converted_stays_and_is_told(person: Person, films: Path) -> None:
    """A name that is taken, a file that is no video, one that the server refuses: each costs itself only."""
    add(films, "main_profile_mp4", "encode.mp4", number=9)
    (films / "broken.mkv").write_bytes(b"no video at all" * 100)
    os.utime(films / "broken.mkv", (1.5e9, 1.5e9))
    before = tree(films)
    told = person.run("batch", "films", "--replace", "--dry-run").stdout
    assert "encode.avi\tleft out\tencode.mp4 exists already" in told
    assert "broken.mkv\tnot convertible\t" in told
    done = person.run("batch", "films", "--replace")
    assert done.returncode == 0
    assert "broken.mkv: not convertible, This is a text, not a video." in done.stderr
    assert "encode.avi: left out, encode.mp4 exists already" in done.stderr
    now = tree(films)
    assert [now[name] for name in ("encode.avi", "encode.mp4", "broken.mkv")] == [
        before[name] for name in ("encode.avi", "encode.mp4", "broken.mkv")
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("batch", "films", "good.mp4", "--replace"),
        ("batch", "films", "--replace", "--output-dir", "out"),
        ("batch", "films", "--replace", "--video-codec", "libx265"),
        ("batch", "films", "--dry-run"),
        ("batch", "nowhere", "--replace"),
        ("library", "rollback", "films"),
        ("library", "cleanup", "films", "--yes"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_happens(
    person: Person, films: Path, words: tuple[str, ...]
) -> None:
    """One sentence, exit code 2."""
    before = tree(films)
    done = person.run(*words)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert tree(films) == before


@pytest.fixture
def small_disk(person: Person) -> Iterator[Path]:
    """A library on a disk that has room for one result, but not for two."""
    folder = person.folder / "films"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=720k", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


@needs_root_of_linux
def test_a_full_disk_fails_the_file_that_does_not_fit(person: Person, small_disk: Path) -> None:
    """The sentence says it; the original is untouched; what fitted is done, and can be undone."""
    add(small_disk, "h264_ac3_mkv", "a.mkv", number=1)
    add(small_disk, "h264_ac3_mkv", "b.mkv", number=2)
    before = tree(small_disk)
    done = person.run("batch", "films", "--replace", "--jobs", "1")
    assert done.returncode == 1, done.stderr
    assert "No space left on device" in done.stderr
    assert videos(small_disk) == {"a.mp4", "b.mkv"}
    assert tree(small_disk)["b.mkv"] == before["b.mkv"]
    assert person.jobs() == []
    assert person.run("library", "rollback", "films").returncode == 0
    assert tree(small_disk) == before
