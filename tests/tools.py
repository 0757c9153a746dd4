"""Which ffmpeg is tested, and which one makes the clips and looks at the results: not the same, when one is asked for.

So every version gets the same sources, and is judged by the same ffprobe.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

_OF_MACHINE = "PATH_WITHOUT_TESTED_FFMPEG"
"""Kept in the environment, which the processes inherit that pytest-xdist starts."""


def use(folder: Path) -> None:
    """Let the programs in a folder be found first by whatever is started from now on."""
    if not (folder / "ffmpeg").exists():
        raise FileNotFoundError(f"{folder} has no ffmpeg: scripts/ffmpeg_versions.py {folder.name}")
    paths = os.environ.setdefault(_OF_MACHINE, os.environ["PATH"])
    os.environ["PATH"] = f"{folder}{os.pathsep}{paths}"


def of_machine(program: str) -> str:
    """Return the machine's own ffmpeg or ffprobe, whichever is tested."""
    return shutil.which(program, path=os.environ.get(_OF_MACHINE)) or program


def version(program: str) -> str:
    """Return what the tested ffmpeg or ffprobe calls its version."""
    done = subprocess.run([program, "-version"], capture_output=True, text=True, check=True)
    return done.stdout.split()[2]


def has(kind: str, name: str, *, tool: str = "ffmpeg") -> bool:
    """Say whether the tested ffmpeg or ffprobe has an encoder, a decoder or a filter, and no experiment."""
    done = subprocess.run([tool, "-hide_banner", f"-{kind}s"], capture_output=True, text=True, check=True)
    return re.search(rf"^ [^ X]+ +{re.escape(name)} ", done.stdout, re.MULTILINE) is not None
