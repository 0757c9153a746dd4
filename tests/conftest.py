"""Fixtures for every test (nothing may be left behind), and those that several folders share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import sites
import tools
from children import NewChildren
from fetches import fetching_server
from serving import Server
from waiting import eventually

CONVERTERS = frozenset({"ffmpeg", "ffprobe", "setpriv", "sh", "sleep"})
"""Programs that the code under test starts; browsers and servers belong to the fixtures that start them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let whoever runs the tests say where screenshots go; here, as pytest asks the outermost folder alone."""
    parser.addoption("--screenshots", metavar="FOLDER", help="keep the pages of tests that failed in this folder")
    parser.addoption(
        "--ffmpeg", metavar="VERSION", help="convert with this one of .build/ffmpeg (scripts/ffmpeg_versions.py)"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Let the code under test find the ffmpeg that was asked for, before anything is started."""
    version = config.getoption("--ffmpeg")
    if version:
        tools.use(Path(config.rootpath, ".build", "ffmpeg", version))


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say with what it is converted."""
    return [f"ffmpeg: {tools.version('ffmpeg')}, ffprobe: {tools.version('ffprobe')}"] if config.option.ffmpeg else []


def converters() -> set[int]:
    """Return the process ids of all living converters below this test run."""
    found = set()
    for child in psutil.Process().children(recursive=True):
        try:
            if child.name() in CONVERTERS and child.status() != psutil.STATUS_ZOMBIE:
                found.add(child.pid)
        except psutil.NoSuchProcess:
            continue  # it ended while we looked
    return found


def _described(pids: set[int]) -> list[str]:
    """Return the command lines of processes, as far as they still live."""
    found = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.append(f"{pid}: {' '.join(psutil.Process(pid).cmdline())}")
    return found


@pytest.fixture(autouse=True)
def _no_process_is_left_behind() -> Iterator[None]:
    """Fail a test that leaves a converter running; one that is just dying may do so."""
    before = converters()
    yield
    try:
        eventually(lambda: not converters() - before, timeout_s=10)
    except AssertionError:
        raise AssertionError(f"processes left behind: {_described(converters() - before)}") from None


@pytest.fixture
def new_children() -> NewChildren:
    """Ask for the processes that this test started."""
    return NewChildren()


@pytest.fixture(scope="module")
def site() -> Iterator[sites.Site]:
    """A web site of the test file's."""
    with sites.site() as opened:
        yield opened


@pytest.fixture(scope="module")
def server_of_links(tmp_path_factory: pytest.TempPathFactory, site: sites.Site) -> Iterator[Server]:
    """A server that may fetch from that site."""
    with fetching_server(tmp_path_factory.mktemp("links") / "data", site) as server:
        yield server
