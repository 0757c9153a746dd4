"""One child process: how it is started, drained, canceled and killed."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from children import NewChildren
from video_to_mp4 import process
from video_to_mp4.errors import ProcessStalled, ToolMissing
from waiting import PATIENCE_S, is_alive, until


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code)]


def _until_there(path: Path) -> str:
    """Return a program that ends when there is such a file."""
    return f"import os, time\nwhile not os.path.exists({str(path)!r}): time.sleep(0.01)"


async def _started(path: Path) -> int:
    """Wait until the child wrote its process id, and return it."""
    await until(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())


async def test_output_and_exit_code_come_back() -> None:
    """What the child wrote and how it ended are known."""
    ended = await process.run(_python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"))
    assert (ended.code, ended.stdout, ended.stderr) == (3, "out\n", "err\n")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can limit another process")
async def test_a_child_gets_no_more_memory_than_it_may_have() -> None:
    """A file that makes ffmpeg ask for all there is takes nothing from the server or from others."""
    greedy = f"""
        import resource, time
        while resource.getrlimit(resource.RLIMIT_DATA) == {resource.getrlimit(resource.RLIMIT_DATA)}:
            time.sleep(0.01)
        print(len(bytearray(500_000_000)))
    """
    refused = await process.run(_python(greedy), memory_limit_bytes=200_000_000)
    assert "MemoryError" in refused.stderr
    assert (await process.run(_python(greedy))).stdout == "500000000\n"


async def test_a_child_has_the_environment_of_the_server_but_no_path_to_charset_modules(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Static builds of ffmpeg crash on the system's modules, with each MPEG-TS whose service has a name."""
    monkeypatch.setenv("OF_THE_SERVER", "1")
    ended = await process.run(_python("import os; print(os.environ['OF_THE_SERVER'], os.environ['GCONV_PATH'])"))
    assert ended.stdout == "1 /dev/null\n"


async def test_a_child_lets_others_go_first() -> None:
    """The pages of a server that converts on all processors answer as quickly as ever."""
    waits = "import os, time\nwhile os.nice(0) == 0: time.sleep(0.01)\nprint(os.nice(0))"
    ended = await asyncio.wait_for(process.run(_python(waits)), PATIENCE_S)
    assert int(ended.stdout) > os.nice(0)


async def test_lines_arrive_while_the_child_runs(tmp_path: Path) -> None:
    """Progress is live: a line is handed over before the child ends, which here waits for that."""
    lines: list[str] = []
    heard = tmp_path / "heard"

    def on_line(line: str) -> None:
        lines.append(line)
        heard.touch()

    await asyncio.wait_for(
        process.run(_python(f"print('first', flush=True)\n{_until_there(heard)}\nprint('second')"), on_line=on_line),
        PATIENCE_S,
    )
    assert lines == ["first", "second"]


async def test_megabytes_of_warnings_neither_block_the_child_nor_fill_the_memory() -> None:
    """Both pipes are always drained, and only the end of stderr is kept."""
    ended = await process.run(
        _python("import sys; sys.stderr.write('w' * 10_000_000 + 'the end')"), stderr_limit_bytes=1000
    )
    assert len(ended.stderr) == 1000
    assert ended.stderr.endswith("the end")


async def test_a_signal_is_a_negative_code() -> None:
    """Who was killed by the system can be told from who failed."""
    ended = await process.run(_python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
    assert ended.code == -signal.SIGKILL


async def test_cancel_kills_the_whole_group(tmp_path: Path) -> None:
    """After a cancel neither the child nor a child of its lives, even one that ignores SIGTERM."""
    pid_file = tmp_path / "pid"
    task = asyncio.create_task(
        process.run(
            _python(f"""
                import os, pathlib, signal, time
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                if os.fork() == 0:
                    time.sleep(600)
                pathlib.Path({str(pid_file)!r}).write_text(f"{{os.getpid()}}\\n")
                time.sleep(600)
            """)
        )
    )
    group = os.getpgid(await _started(pid_file))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not _living_in(group))


def _living_in(group: int) -> list[psutil.Process]:
    return [found for found in psutil.process_iter() if _group_of(found.pid) == group and is_alive(found)]


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


async def test_twenty_cancels_are_one(tmp_path: Path) -> None:
    """Impatient cancels do not let go of the child before it is dead."""
    pid_file = tmp_path / "pid"
    code = (
        f"import os, pathlib, time; pathlib.Path({str(pid_file)!r}).write_text(f'{{os.getpid()}}\\n'); time.sleep(600)"
    )
    task = asyncio.create_task(process.run(_python(code)))
    pid = await _started(pid_file)
    for _ in range(20):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not psutil.pid_exists(pid)


async def test_a_cancel_at_birth_leaves_no_child(new_children: NewChildren) -> None:
    """However early the cancel comes: the fixture sees every child that is left."""
    for turns in range(12):
        task = asyncio.create_task(process.run(["sleep", "600"]))
        for _ in range(turns):
            await asyncio.sleep(0)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert new_children() == []


async def test_a_silent_child_is_ended() -> None:
    """A child that shows no sign of life is killed and the caller told."""
    with pytest.raises(ProcessStalled):
        await process.run(_python("import time; time.sleep(600)"), silence_limit_s=0.2)


async def test_a_silent_child_may_show_other_signs_of_life(tmp_path: Path) -> None:
    """Nobody is killed who works in silence, as ffmpeg does while it moves the index to the front."""
    asked = tmp_path / "asked"

    def is_alive() -> bool:
        asked.touch()
        return True

    silent = process.run(_python(_until_there(asked)), silence_limit_s=0.1, is_alive=is_alive)
    assert (await asyncio.wait_for(silent, PATIENCE_S)).code == 0


async def test_a_missing_program_is_a_clear_error() -> None:
    """The error names the program and says what to install."""
    with pytest.raises(ToolMissing, match=r"no-such-ffmpeg.*apt-get install ffmpeg"):
        await process.run(["no-such-ffmpeg"])


async def test_arguments_are_never_read_by_a_shell() -> None:
    """Whatever a name holds reaches the child as it is."""
    nasty = "; echo $HOME `id` \n * ' \" \\"
    ended = await process.run(_python("import sys; sys.stdout.write(sys.argv[1])") + [nasty])
    assert ended.stdout == nasty


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills the children of a dead parent")
async def test_a_child_dies_with_the_server(tmp_path: Path) -> None:
    """Kill -9 of the server leaves no process behind."""
    pid_file = tmp_path / "pid"
    child = (
        f"import os, pathlib, time; pathlib.Path({str(pid_file)!r}).write_text(f'{{os.getpid()}}\\n'); time.sleep(600)"
    )
    server = await asyncio.create_subprocess_exec(
        *_python(f"""
            import asyncio, sys
            from video_to_mp4 import process
            asyncio.run(process.run([sys.executable, "-c", {child!r}]))
        """)
    )
    pid = await _started(pid_file)
    server.kill()
    await server.wait()
    await until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
