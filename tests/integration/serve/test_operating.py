"""What an administrator sees of a real server: its log, its crashes, its addresses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from clips import make_clip
from person import visiting
from serving import PROJECT, Server, running_server


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path, "h264_ac3_mkv", file_name="my secret holiday.mkv")


def test_the_log_has_every_state_and_ffmpegs_command_and_no_names(tmp_path: Path, clip: Path) -> None:
    """One line per change, with job, a few letters of the owner and attempt; nobody's file is named."""
    with running_server(tmp_path / "data") as server, visiting(server) as ann:
        job_id = ann.add(clip)
        assert ann.ended(job_id)["state"] == "completed"
        command = ann.http.get(f"/jobs/{job_id}/log").json()["runs"][0]["command"]
        ann.http.delete(f"/jobs/{job_id}")
    lines = [line for line in server.log_path.read_text().splitlines() if job_id in line]
    said = re.findall(rf"job={job_id} owner=([0-9a-f]{{8}}) attempt=(\d) state=(\w+)", "\n".join(lines))
    assert [(attempt, state) for _, attempt, state in said] == [("0", "queued"), ("1", "running"), ("1", "completed")]
    [ran] = [line.partition(" runs: ")[2] for line in lines if " runs: " in line]
    source, partial = (server.data_dir / place for place in (f"sources/{job_id}", f"attempts/{job_id}/1/"))
    assert re.sub(rf"\S*{source}", "SOURCE", re.sub(rf"\S*{partial}\S*", "RESULT", ran)) == command
    assert "secret" not in server.log_path.read_text()
    assert "out.mp4" not in server.log_path.read_text()


def test_a_job_that_ran_when_the_server_died_three_times_is_not_tried_again(tmp_path: Path, clip: Path) -> None:
    """What may be the crash's cause ends in an error that says so, and the next one in the queue has its turn."""
    hanging = tmp_path / "ffmpeg"
    of_a_job = "*attempts*) exec sleep 600"  # what is tried at the start has another place
    hanging.write_text(f'#!/bin/sh\ncase "$*" in {of_a_job};; esac\nexec ffmpeg "$@"\n')
    hanging.chmod(0o755)
    server = Server(tmp_path / "data", {"VIDEO_TO_MP4_FFMPEG": str(hanging), "VIDEO_TO_MP4_SLOTS": "1"})
    server.start()
    try:
        with visiting(server) as ann:
            first, second = ann.add(clip, "High"), ann.add(clip, "High")
            for attempt in (1, 2, 3):
                ann.reached(first, "running")
                assert ann.status(first)["attempt"] == attempt
                server.kill()
                server.start()
            code, sentence = ann.why(first)
            ann.reached(second, "running")
            assert ann.status(second)["attempt"] == 1
    finally:
        server.kill()
    assert code == "CRASHED_TOO_OFTEN"
    assert sentence == "The server stopped three times while this video was being converted."


OF_REFLEX = {
    "/ping": "says «pong»",
    "/_health": "says that it lives",
    "/_event": "the page's websocket; see the isolation table of events",
    "/_upload": "closed; see test_operations",
    "": "the built page",
}

_LIST = """
import importlib, os
from video_to_mp4 import settings
settings.export_for_reflex(settings.Settings.load())
os.chdir(settings.PROJECT)
app = importlib.import_module("video_to_mp4.video_to_mp4").app()
while not hasattr(app, "routes") or type(app).__name__ == "Starlette":
    app = app.routes[0].app if hasattr(app, "routes") else app._app
[reflex] = [route.app for route in app.routes if getattr(route, "path", None) == ""]
print(*[route.path + "|" for route in reflex.routes])
"""


def test_reflex_serves_no_address_that_nobody_has_thought_about(tmp_path: Path) -> None:
    """A new version of Reflex may bring another one: it must be in the table, or closed."""
    listed = subprocess.run(
        [sys.executable, "-c", _LIST], cwd=PROJECT, env=os.environ | {"VIDEO_TO_MP4_DATA_DIR": str(tmp_path / "data")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert listed.returncode == 0, listed.stderr
    assert {path.strip() for path in listed.stdout.split("|")[:-1]} == set(OF_REFLEX)
