"""One file, all the way: on a terminal, into a log file, for a program."""

from __future__ import annotations

import json
import stat
import struct
import subprocess
import time
from pathlib import Path

from clips import run_ffmpeg
from command_line import Person

MEMORY_LIMIT_BYTES = 100_000_000


def test_a_video_is_converted_on_a_terminal(person: Person) -> None:
    """Bars while it goes on, one line and the file at the end, and the cursor is back."""
    source = person.long_clip()
    terminal = person.terminal("convert", source, "-o", "out.mp4", "--quality", "standard", "--resolution", "480p")
    terminal.until(r"Converting +\S+ +[1-9]\d* %")
    assert terminal.wait() == 0, terminal.text
    assert terminal.text.rstrip().splitlines()[-1].startswith("out.mp4: ")
    assert terminal.raw.rindex("\x1b[?25h") > terminal.raw.rindex("\x1b[?25l")
    assert person.files() == {"in.mkv", "out.mp4"}
    assert stat.S_IMODE((person.folder / "out.mp4").stat().st_mode) & stat.S_IRUSR
    assert person.states() == ["completed"]


def test_without_a_terminal_there_are_plain_lines(person: Person) -> None:
    """A log file gets sentences, and no escape sequences; stdout has the result alone."""
    done = person.spawn("convert", person.clip(), "-o", "out.mp4")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stderr + done.stdout
    assert done.stderr.splitlines()[0] == "in.mkv: uploading 0 %"
    assert done.stderr.splitlines()[-1] == "in.mkv: done"
    assert done.stdout.startswith("out.mp4: ")
    assert done.stdout.count("\n") == 1


def test_a_program_gets_json_lines(person: Person) -> None:
    """Each line is a document; the last one says where the result is."""
    done = person.spawn("convert", person.clip(), "-o", "out.mp4", "--json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events][0] == "uploading"
    assert {event["job_id"] for event in events} == {person.jobs()[0]["job_id"]}
    assert (events[-1]["event"], events[-1]["output"]) == ("done", "out.mp4")
    assert events[-1]["result_bytes"] == (person.folder / "out.mp4").stat().st_size


def test_the_encoders_words_reach_the_server(person: Person) -> None:
    """What was asked for is what the result is; its container follows from its name."""
    words = ["--video-codec", "libx265", "--crf", "40", "--fps", "10", "--scale", "160:-2", "--audio-codec", "none"]
    done = person.run("convert", person.clip(), "-o", "out.mkv", *words, "--extra-arg", "-t", "--extra-arg", "1")
    assert done.returncode == 0, done.stderr
    entries = ["-show_entries", "stream=codec_name,width,r_frame_rate", "-of", "csv=p=0"]
    found = run_ffmpeg([*entries, person.folder / "out.mkv"], program="ffprobe")
    assert found.split() == ["hevc,160,10/1"]


def test_a_failed_conversion_ends_with_the_servers_sentence(person: Person) -> None:
    """Exit code 1, one sentence, for programs as JSON too; and the job stays to be looked at."""
    (person.folder / "bad.mkv").write_text("no video")
    done = person.run("convert", "bad.mkv", "-o", "out.mp4", "--json")
    assert done.returncode == 1
    assert done.stderr == "This is a text, not a video. If it was downloaded, it may be the site's error message.\n"
    assert json.loads(done.stdout.splitlines()[-1])["error"]["code"] == "TRANSCODE_FAILED"
    assert person.files() == {"bad.mkv"}
    assert person.states() == ["failed"]


def test_what_the_server_does_not_take_is_said_before_anything_is_sent(person: Person) -> None:
    """Its type, say, or an option that is not on the list."""
    (person.folder / "letter.txt").write_text("Dear all")
    done = person.run("convert", "letter.txt", "-o", "out.mp4")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Accepted: AVI, MOV, MKV, WMV, MP4, WEBM, M4V," in done.stderr
    done = person.run("convert", person.clip(), "-o", "out.mp4", "--extra-arg", "-i", "--extra-arg", "/etc/passwd")
    assert done.returncode == 1
    assert person.jobs() == []


def test_names_that_a_terminal_might_obey_are_shown_harmlessly(person: Person) -> None:
    """Neither a file's name nor a server can move the cursor."""
    source = person.clip(file_name="a\x1b[2Jb.mkv")
    done = person.run("convert", source, "-o", "out.mp4")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stderr


def test_three_hundred_megabytes_need_less_than_a_hundred_of_memory(person: Person) -> None:
    """A file is streamed from the disk, whatever its size."""
    source = person.folder / person.clip("h264_aac_mp4", file_name="in.mp4")
    with source.open("r+b") as file:
        file.seek(0, 2)
        file.write(struct.pack(">I4s", 300_000_000, b"free"))
        file.truncate(file.tell() - 8 + 300_000_000)
    command = person.command("convert", source, "-o", "out.mp4")
    with subprocess.Popen(command, env=person.env, cwd=person.folder, stderr=subprocess.DEVNULL) as process:
        most_bytes = 0
        while process.poll() is None:
            most_bytes = max(most_bytes, _peak_memory_bytes(process.pid))
            time.sleep(0.01)  # sampling a figure of the kernel, which only ever grows
    assert process.returncode == 0
    assert 20_000_000 < most_bytes < MEMORY_LIMIT_BYTES


def _peak_memory_bytes(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)
