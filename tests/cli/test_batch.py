"""Many files: one that fails does not stop the others."""

from __future__ import annotations

import json
import re
import zipfile

from command_line import Person


def six_with_a_bad_one(person: Person) -> list[str]:
    names = [str(person.clip(file_name=f"{number}.mkv")) for number in range(1, 6)]
    (person.folder / "bad.mkv").write_text("no video")
    return [*names[:3], "bad.mkv", *names[3:]]


def test_a_batch_of_six_with_one_bad_file(person: Person) -> None:
    """Five results, a table that changes, a summary that names the sixth, and an exit code that says so."""
    terminal = person.terminal("batch", *six_with_a_bad_one(person), "--output-dir", "out", "--jobs", "3")
    assert terminal.wait() == 1, terminal.text
    results = {path.name for path in (person.folder / "out").iterdir()}
    assert results == {f"{number}.mp4" for number in range(1, 6)}
    summary = terminal.text[terminal.text.rindex("Outcome") :]
    assert summary.count("converted") == 6  # five rows and the count
    assert "This is a text, not a video" in summary
    assert re.search(r"5 converted, 1 failed; [\d.]+ [KM]B became [\d.]+ [KM]B; \d+:\d\d$", terminal.text.rstrip())
    assert sorted(person.states()) == ["completed"] * 5 + ["failed"]


def test_folders_keep_their_shape_and_what_is_there_is_left_out(person: Person) -> None:
    """A batch that is given again does only what is missing; a folder stands for the videos in it."""
    for folder in ("Films", "Films/1999"):
        (person.folder / folder).mkdir()
        person.clip(file_name=f"{folder}/a.mkv")
    (person.folder / "Films" / "letter.txt").write_text("Dear all")
    words = ["batch", "Films", "--recursive", "--output-dir", "out", "--skip-existing"]
    done = person.run(*words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("Films/1999/a.mkv\tconverted\t")
    assert "Left out: 1 file that is not a video (1 text)." in done.stderr
    found = {str(path.relative_to(person.folder / "out")) for path in (person.folder / "out").rglob("*.*")}
    assert found == {"a.mp4", "1999/a.mp4"}
    (person.folder / "out" / "a.mp4").unlink()
    done = person.run(*words, "--json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["event"] == "summary"
    assert events[-1]["files"] == {"converted": 1, "skipped": 1}
    assert events[-1]["left_out"] == {"count": 1, "files": [], "kinds": {"text": 1}, "folders": []}
    assert len(person.jobs()) == 3
    assert [(batch["name"], batch["total"]) for batch in person.batches()] == [("Films", 1), ("Films", 2)]


def test_a_batch_is_one_batch_of_the_server(person: Person) -> None:
    """Its summary tells of each file what it became, in sizes and time, and so does the server."""
    sources = [person.clip(file_name="a.mkv"), person.clip("h264_aac_mp4", file_name="b.mp4")]
    (person.folder / "bad.mkv").write_text("no video")
    done = person.run("batch", *sources, "bad.mkv", "--output-dir", "out", "--json")
    assert done.returncode == 1
    summary = json.loads(done.stdout.splitlines()[-1])
    assert {item["input"]: item["outcome"] for item in summary["items"]} == {
        "a.mkv": "converted", "b.mp4": "remuxed", "bad.mkv": "failed",
    }  # fmt: skip
    assert summary["source_bytes"] == sum((person.folder / source).stat().st_size for source in sources)
    assert summary["result_bytes"] == sum(path.stat().st_size for path in (person.folder / "out").iterdir())
    [told] = person.batches()
    assert told["batch_id"] == summary["batch_id"]
    assert told["counts"] == {"completed": 2, "failed": 1}


def test_batches_are_looked_at_downloaded_and_rolled_back(person: Person) -> None:
    """By their ids: as a table, as one ZIP, undone."""
    sources = [person.clip(file_name=name) for name in ("a.mkv", "b.mkv")]
    assert person.run("batch", *sources, "--output-dir", "out").returncode == 0
    [batch_id] = [item["batch_id"] for item in person.json("batches", "list")["items"]]
    assert person.run("batches", "list").stdout.startswith(f"{batch_id}\t2 videos")
    shown = person.run("batches", "show", batch_id).stdout
    assert "a.mkv\tconverted\t" in shown
    done = person.run("batches", "download", batch_id, "-o", "all.zip")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(person.folder / "all.zip") as found:
        assert found.testzip() is None
        assert found.read("a.mp4") == (person.folder / "out" / "a.mp4").read_bytes()
    assert person.run("batches", "download", batch_id, "-o", "all.zip").returncode == 2
    assert "2 rolled back" in person.run("batches", "rollback", batch_id).stdout
    assert person.states() == ["rolled_back"] * 2
    assert "rolled back" in person.run("list").stdout
    assert (person.folder / "out" / "a.mp4").exists()
    assert person.run("batches", "show", "no-such-batch").returncode == 1


def test_a_batch_that_is_aborted_elsewhere_ends(person: Person) -> None:
    """The command says of each file that it was canceled, and does not wait for what never comes."""
    names = [person.clip("long_1080p_mp4", file_name=f"{number}.mp4") for number in (1, 2)]
    terminal = person.terminal("batch", *names, "--output-dir", "out", "--jobs", "1", "--quality", "Maximum")
    terminal.until("Converting")
    assert "1 canceled" in person.run("batches", "abort", person.batches()[0]["batch_id"]).stdout
    assert terminal.wait() == 1, terminal.text
    assert "2 canceled; 0:" in terminal.text
    assert person.states() == ["canceled"]
