"""What an administrator can set, read once from the environment. No other module reads or sets variables there."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from video_to_mp4.errors import ConfigurationError

PREFIX = "VIDEO_TO_MP4_"
PROJECT = Path(__file__).resolve().parents[1]
"""The folder that holds rxconfig.py and the built page."""

_REFLEX_PRODUCTION = {
    "REFLEX_ENV_MODE": "prod",
    # Internal names of the pinned Reflex: serve the page that is built already, in this process and on the same port.
    "__REFLEX_SKIP_COMPILE": "true",
    "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "true",
    # No request leaves for another host.
    "REFLEX_TELEMETRY_ENABLED": "false",
    "REFLEX_CHECK_LATEST_VERSION": "false",
    # Reflex serves whatever lies in its upload folder to anyone. Nothing of ours is ever put there.
    "REFLEX_UPLOADED_FILES_DIR": str(PROJECT / ".build" / "nothing-is-stored-here"),
}


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


_Hosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
_Ports = Annotated[tuple[int, ...], NoDecode, BeforeValidator(_split)]

_RESERVED = frozenset({"assets", ".", ".."})


def _outside_the_project(folder: Path) -> Path:
    absolute = folder.expanduser().absolute()
    if absolute.resolve().is_relative_to(PROJECT):
        raise ValueError("the data folder must not be inside the project's folder")
    return absolute


def _path_prefix(path: str) -> str:
    """Bring a path into the form «/first/second», or «» for the root."""
    segments = [segment for segment in path.split("/") if segment]
    if not all(re.fullmatch(r"[A-Za-z0-9._~-]+", segment) for segment in segments):
        raise ValueError("a path like /convert is made of letters, digits and the signs . _ ~ - only")
    if not _RESERVED.isdisjoint(segments):
        raise ValueError("«assets», «.» and «..» can't be parts of it")
    return "".join(f"/{segment}" for segment in segments)


class Settings(BaseSettings):
    """Everything that can be set. A description ends with the unit where there is one; the default is the field's."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    data_dir: Annotated[Path, AfterValidator(_outside_the_project)] = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("video_to_mp4")),
        description="Folder for the database, the sources and the results. Never inside the project's folder.",
    )
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on. 127.0.0.1 is this machine only, 0.0.0.0 everyone who can reach it.",
    )
    port: int = Field(default=3000, ge=1, le=65535, description="TCP port to listen on.")
    base_path: Annotated[str, AfterValidator(_path_prefix)] = Field(
        default="",
        description="Path below which everything is, behind a reverse proxy that gives other paths to other programs; "
        "for instance /convert. The page is built anew for it.",
    )
    slots: int = Field(default=2, ge=1, description="How many videos are converted at the same time.")
    upload_limit_bytes: int = Field(
        default=20 * 1024**3, ge=1, description="Largest file that is accepted, in bytes (default: 20 GiB)."
    )
    upload_silence_s: float = Field(
        default=120, gt=0, description="An upload that sends nothing for this long counts as interrupted, in seconds."
    )
    upload_keep_s: float = Field(
        default=24 * 3600,
        gt=0,
        description="How long an interrupted upload waits to be resumed, in seconds (default: a day).",
    )
    capacity_bytes: int = Field(
        default=100 * 1000**3,
        ge=1,
        description="Most that sources and results may take together, in bytes (default: 100 GB). Never more than 90 % "
        "of what the disk has free.",
    )
    evict_results: bool = Field(
        default=False,
        description="Whether results go before their time, the least recently used first, when room is needed.",
    )
    owner_jobs_limit: int = Field(
        default=1000, ge=1, description="How many unfinished jobs one person may have at the same time."
    )
    owner_uploads_limit: int = Field(
        default=8, ge=1, description="How many files one person may send at the same time; the rest waits its turn."
    )
    require_token: bool = Field(
        default=False,
        description="Whether everybody has to show a token: programs with each request, browsers once (at /join).",
    )
    retention_s: float = Field(
        default=24 * 3600,
        gt=0,
        description="How long a finished job's files are kept after it ended, in seconds (default: a day).",
    )
    row_keep_s: float = Field(
        default=7 * 24 * 3600,
        gt=0,
        description="How long the row of a job stays after its files were cleaned up, in seconds (default: 7 days).",
    )
    imports: bool = Field(default=True, description="Whether videos may be fetched from links.")
    import_slots: int = Field(default=2, ge=1, description="How many links are fetched from at the same time.")
    import_allowed_hosts: _Hosts = Field(
        default=(),
        description="The only hosts to fetch from, with all below them, and those to which their videos are linked; "
        "separated by commas. Empty: all that are public.",
    )
    import_denied_hosts: _Hosts = Field(
        default=(),
        description="Hosts, addresses and networks from which nothing is fetched, separated by commas. From what lies "
        "inside (loopback, private and link-local networks) nothing ever is.",
    )
    import_playlist_limit: int = Field(
        default=50, ge=1, le=500, description="How many videos of a playlist are fetched at most."
    )
    import_silence_s: float = Field(
        default=30, gt=0, description="A site that sends nothing for this long counts as gone, in seconds."
    )
    import_test_ports: _Ports = Field(
        default=(), description="For tests only: ports of 127.0.0.1 from which may be fetched, separated by commas."
    )
    stall_s: float = Field(
        default=300, gt=0, description="A conversion without any progress for this long is ended, in seconds."
    )
    ffmpeg: str = Field(default="ffmpeg", min_length=1, description="Name or path of the ffmpeg program.")
    ffprobe: str = Field(default="ffprobe", min_length=1, description="Name or path of the ffprobe program.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="How much the server says about its own work: debug, info, warning or error."
    )

    @property
    def web_dir(self) -> Path:
        """The folder in which Reflex builds the page; one for each base path, as the path is part of what is built."""
        name = self.base_path.strip("/").replace("/", "+")
        return PROJECT / ".build" / "web" / name if name else PROJECT / ".web"

    @property
    def built_page(self) -> Path:
        """The folder of the built page's files."""
        return self.web_dir / "build" / "client" / self.base_path.strip("/")

    @classmethod
    def load(cls) -> Settings:
        """Read the settings from the environment.

        Raises ConfigurationError, with one sentence that names the variable, for a value that makes no sense.
        """
        try:
            return cls()
        except ValidationError as error:
            raise ConfigurationError(_sentence(error)) from error


class ClientSettings(BaseSettings):
    """What the command line takes from the environment when it speaks to a server."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    server: str = Field(
        default="",
        description="Command line: the server's address; empty: what `login` stored, else `http://localhost:3000`.",
    )
    token: SecretStr = Field(
        default=SecretStr(""), description="Command line: the token to show, instead of what `login` stored."
    )
    client_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_config_dir("video-to-mp4")),
        description="Command line: folder for what it remembers (server, tokens, sessions), readable by you only.",
    )
    patience_s: float = Field(
        default=300, ge=0, description="Command line: how long it goes on trying when the server is lost, in seconds."
    )

    @classmethod
    def load(cls) -> ClientSettings:
        """Read the settings from the environment; raises ConfigurationError as `Settings.load` does."""
        try:
            return cls()
        except ValidationError as error:
            raise ConfigurationError(_sentence(error)) from error


def export_for_reflex(current: Settings) -> None:
    """Put into the environment what Reflex reads there; call it before the first import of Reflex."""
    os.environ.update(_REFLEX_PRODUCTION | {"REFLEX_WEB_WORKDIR": str(current.web_dir)})


def inherited() -> dict[str, str]:
    """Return the environment that a child gets from the server."""
    return dict(os.environ)


def slips() -> list[str]:
    """Return a sentence for each variable with our prefix that is no setting: most likely a slip of the pen."""
    known = [_variable(name) for name in _fields()]
    sentences = []
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            sentences.append(f"{name} is not a setting of this program, so it changes nothing.{hint}")
    return sentences


def table() -> str:
    """Return the settings as the Markdown table that README.md shows."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    rows += [f"| `{_variable(name)}` | {_default(field)} | {field.description} |" for name, field in _fields().items()]
    return "\n".join(rows) + "\n"


def _fields() -> Mapping[str, FieldInfo]:
    return {**Settings.model_fields, **ClientSettings.model_fields}


def _variable(field_name: str) -> str:
    return PREFIX + field_name.upper()


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if field.default_factory is not None:
        return "the user's data folder" if field is Settings.model_fields["data_dir"] else "the user's settings folder"
    return f"`{value}`" if value not in ("", ()) and str(value) else "empty"


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    reason = first["msg"].removeprefix("Value error, ")
    return f"{_variable(str(first['loc'][0]))} can't be «{first['input']}»: {reason[0].lower()}{reason[1:]}."
