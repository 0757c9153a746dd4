"""Damaged, disguised and hostile files end in a clear error or a right result, and read nothing but themselves."""

from __future__ import annotations

import shutil
import socket
import struct
import threading
import zipfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

import tools
from clips import H264, make_clip, picture, run_ffmpeg
from conversion import FAST, Conversion, convert, frame_of
from video_to_mp4.errors import (
    ConversionError,
    DamagedSource,
    EncryptedSource,
    LimitExceeded,
    NotAVideo,
    NoVideoTrack,
    SourceMissing,
    UnknownCodec,
)


async def outcome(source: Path) -> Conversion | ConversionError:
    """Convert a source; return the result, or what its user is told."""
    try:
        return await convert(source, FAST)
    except ConversionError as error:
        assert str(source.parent) not in f"{error} {error.details}"
        return error


# ---------------------------------------------------------------------------------------------------- damaged sources


@pytest.mark.parametrize(
    ("extension", "share"),
    [*product(("mp4", "mkv"), range(0, 100, 5)), *product(("avi", "ts"), (0, 5, 35, 65, 95))],
)
async def test_a_source_cut_at_any_point_gives_what_is_there_or_a_clear_error(
    tmp_path: Path, extension: str, share: int
) -> None:
    """At twenty points; a result lasts as long as the packets that are left, and says that the source ends early."""
    source = tmp_path / f"cut.{extension}"
    extra = ["-movflags", "+faststart"] if extension == "mp4" else []
    run_ffmpeg(["-i", make_clip(tmp_path, "ten_seconds_mp4"), "-c", "copy", *extra, source])
    whole_bytes = source.stat().st_size
    source.write_bytes(source.read_bytes()[: whole_bytes * share // 100])
    done = await outcome(source)
    if isinstance(done, Conversion):
        assert done.verified.duration_s <= 10.3 * (share + 12) / 100
        if extension in ("mp4", "mkv") and share < 85:
            assert any(warning.startswith("The source ") for warning in done.warnings)
    else:
        assert isinstance(done, NotAVideo | DamagedSource | NoVideoTrack)
        assert share <= 10


async def test_a_video_whose_index_is_missing_is_incomplete(tmp_path: Path) -> None:
    """A camera that lost power writes no moov."""
    source = make_clip(tmp_path, "h264_aac_mp4")
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    error = await outcome(source)
    assert isinstance(error, DamagedSource)
    assert str(error).startswith("The file's index is missing: ")


@pytest.mark.parametrize(
    ("name", "kept_bytes"),
    [("h264_aac_mkv", 200), ("wmv2_wmav2_wmv", 300), ("mpeg4_mp3_avi", 200), ("h264_aac_mp4", 20)],
)
async def test_a_video_of_which_only_the_beginning_came_is_told_apart_from_what_is_none(
    tmp_path: Path, name: str, kept_bytes: int
) -> None:
    """Its owner is to look for the whole file, not for another program."""
    source = make_clip(tmp_path, name)
    source.write_bytes(source.read_bytes()[:kept_bytes])
    error = await outcome(source)
    assert isinstance(error, DamagedSource)
    assert "cut short" in str(error) or "did not finish" in str(error)


async def test_a_source_with_broken_bytes_is_converted_all_the_same(tmp_path: Path) -> None:
    """Errors of decoding never end a conversion: what comes of them is judged by the result."""
    source = tmp_path / "broken.mkv"
    run_ffmpeg(["-i", make_clip(tmp_path, "ten_seconds_mp4"), "-c", "copy", source])
    data = bytearray(source.read_bytes())
    for place in range(len(data) // 4, len(data) * 3 // 4, len(data) // 40):
        data[place : place + 50] = b"\x55" * 50
    source.write_bytes(bytes(data))
    done = await outcome(source)
    assert isinstance(done, Conversion)
    assert done.verified.duration_s > 5


async def test_a_missing_source_is_said_to_be_missing(tmp_path: Path) -> None:
    """It was cleaned up, say."""
    assert isinstance(await outcome(tmp_path / "gone.mp4"), SourceMissing)


# -------------------------------------------------------------------------------------------------- disguised sources


def zipped(folder: Path) -> bytes:
    with zipfile.ZipFile(folder / "z.zip", "w") as archive:
        archive.writestr("a.txt", "hello" * 100)
    return (folder / "z.zip").read_bytes()


def image(folder: Path, extension: str) -> bytes:
    path = folder / f"image.{extension}"
    run_ffmpeg([*picture("64x64"), "-frames:v", "1", path])
    return path.read_bytes()


@pytest.mark.parametrize("kind", ["empty", "zeros", "text", "zip", "png", "jpg", "gif", "bmp", "wav", "elf", "html"])
async def test_what_is_no_video_is_refused_whatever_its_name(tmp_path: Path, kind: str) -> None:
    """The content decides, not the name; a text never comes out as legible pictures."""
    contents = {
        "empty": lambda: b"",
        "zeros": lambda: bytes(100_000),
        "text": lambda: b"The quick brown fox\n" * 1000,
        "zip": lambda: zipped(tmp_path),
        "wav": lambda: b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\0\0\0\0",
        "elf": lambda: Path("/bin/true").read_bytes(),
        "html": lambda: b"<!DOCTYPE html><html><body>video</body></html>",
    }
    made = contents.get(kind, lambda: image(tmp_path, kind))()
    source = tmp_path / "holiday.mp4"
    source.write_bytes(made)
    assert isinstance(await outcome(source), NotAVideo | NoVideoTrack | DamagedSource)


async def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    """Neither with a cover picture."""
    assert isinstance(await outcome(make_clip(tmp_path, "sound_only_mp4")), NoVideoTrack)
    cover = tmp_path / "cover.png"
    cover.write_bytes(image(tmp_path, "png"))
    source = tmp_path / "song.m4a"
    made = ["-i", make_clip(tmp_path, "sound_only_mp4"), "-i", cover, "-map", "0", "-map", "1", "-c", "copy"]
    run_ffmpeg([*made, "-disposition:v:0", "attached_pic", "-f", "mp4", source])
    assert isinstance(await outcome(source), NoVideoTrack)


async def test_an_encrypted_video_is_said_to_be_encrypted(tmp_path: Path) -> None:
    """Common encryption decodes to noise."""
    assert isinstance(await outcome(make_clip(tmp_path, "encrypted_mp4")), EncryptedSource)


@pytest.mark.parametrize(
    ("name", "said"),
    [(b"qqq1", "codec (qqq1). A newer ffmpeg may."), (b"vvc1", "codec (VVC, H.266). ffmpeg 7.1 or newer can.")],
)
async def test_a_codec_that_is_not_known_is_named(tmp_path: Path, name: bytes, said: str) -> None:
    """The sentence says which, as far as the container does, and whether another ffmpeg is of use."""
    source = make_clip(tmp_path, "h264_aac_mp4")
    source.write_bytes(source.read_bytes().replace(b"avc1", name).replace(b"avcC", b"zzzC"))
    error = await outcome(source)
    if name == b"vvc1" and tools.has("decoder", "vvc", tool="ffprobe"):
        assert not isinstance(error, UnknownCodec)
        return
    assert isinstance(error, UnknownCodec)
    assert said in str(error)


async def test_a_misnamed_video_is_converted_by_its_content(tmp_path: Path) -> None:
    """Half of the world's .avi files are something else."""
    done = await outcome(make_clip(tmp_path, "vp9_opus_webm", file_name="really.avi"))
    assert isinstance(done, Conversion)


# --------------------------------------------------------------------------------------------------- names of sources


@pytest.mark.parametrize(
    "name",
    [
        "-y.mp4",
        "--help",
        "-i",
        "img%03d.mp4",
        "http:x.mp4",
        "concat:a.mp4|b.mp4",
        "pipe:0",
        "file:x.mp4",
        "a b'c\"d.mp4",
        "line\nbreak.mp4",
        "$(touch pwned).mp4",
        "`id`;&|<>.mp4",
        "[0:v].mp4",
        "a,b=c:d.mp4",
        "film 🎬 日本.mp4",
        "*?.mp4",
    ],
)
async def test_no_name_is_an_option_a_pattern_or_a_protocol(tmp_path: Path, name: str) -> None:
    """The source is an absolute file: address, whatever it is called."""
    done = await outcome(make_clip(tmp_path, "small_320x240_mp4", file_name=name))
    assert isinstance(done, Conversion)
    assert done.verified.duration_s == pytest.approx(1.0, abs=0.1)


# -------------------------------------------------------------------------------- files that name other files and hosts


@pytest.fixture
def listener() -> Iterator[tuple[int, list[str]]]:
    """Listen on a loopback port and note who connects."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.1)
    calls: list[str] = []
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            try:
                connection, address = server.accept()
            except TimeoutError:
                continue
            calls.append(str(address))
            connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield server.getsockname()[1], calls
    ended.set()
    thread.join()
    server.close()


PLAYLISTS = {
    "hls_file": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{secret}\n#EXT-X-ENDLIST\n",
    "hls_absolute": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{secret}\n#EXT-X-ENDLIST\n",
    "hls_relative": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{name}\n#EXT-X-ENDLIST\n",
    "hls_http": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n",
    "hls_concat": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nconcat:file://{secret}|x\n#EXT-X-ENDLIST\n",
    "hls_subfile": "#EXTM3U\n#EXTINF:2,\nsubfile,,start,0,end,0,,:{secret}\n#EXT-X-ENDLIST\n",
    "hls_key": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="http://127.0.0.1:{port}/k"\n#EXTINF:2,\n{secret}\n',
    "hls_master": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://127.0.0.1:{port}/b.m3u8\n",
    "ffconcat": "ffconcat version 1.0\nfile '{secret}'\n",
    "ffconcat_relative": "ffconcat version 1.0\nfile {name}\n",
    "ffconcat_http": "ffconcat version 1.0\nfile http://127.0.0.1:{port}/a.mp4\n",
    "ffconcat_option": "ffconcat version 1.0\nfile x\noption safe 0\nfile {secret}\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT2S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" '
    'bandwidth="1"><BaseURL>file://{secret}</BaseURL></Representation></AdaptationSet></Period></MPD>',
    "dash_http": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT2S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" '
    'bandwidth="1"><BaseURL>http://127.0.0.1:{port}/a.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>',
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n"
    "a=rtpmap:96 H264/90000\n",
    "rtsp_redirect": "[Reference]\nRef1=http://127.0.0.1:{port}/a.asf\n",
    "smil": '<smil><body><video src="http://127.0.0.1:{port}/a.rm"/></body></smil>',
    "vobsub": "# VobSub index file, v7 (do not modify this line!)\nsize: 720x576\nid: en, index: 0\n"
    "timestamp: 00:00:01:000, filepos: 000000000\n",
    "image_pattern": "{folder}/secret%d.png",
    "lavfi": "movie={secret}",
    "crypto": "crypto:{secret}",
    "m3u": "{secret}\n",
}


@pytest.mark.parametrize("extension", ["mp4", "avi"])
@pytest.mark.parametrize("kind", list(PLAYLISTS))
async def test_a_playlist_reads_no_other_file_and_makes_no_connection(
    tmp_path: Path, listener: tuple[int, list[str]], kind: str, extension: str
) -> None:
    """The demuxer comes from a list by content: a text that names other media is refused before it is opened."""
    port, calls = listener
    secret = make_clip(tmp_path, "h264_aac_ts", file_name="secret.ts")
    shutil.copyfile(secret, tmp_path / "list.sub")
    source = tmp_path / f"list.{extension}"
    text = PLAYLISTS[kind].format(secret=secret, name=secret.name, port=port, folder=tmp_path)
    source.write_text(text)
    error = await outcome(source)
    assert isinstance(error, NotAVideo | NoVideoTrack | DamagedSource)
    assert not calls
    assert not [path for path in tmp_path.iterdir() if path.name == "result.partial" and path.stat().st_size]


async def test_an_external_reference_in_quicktime_is_not_followed(tmp_path: Path) -> None:
    """A `dref` may say that the samples are in another file: they are read from this one or not at all."""
    secret = tmp_path / "secret.mov"
    run_ffmpeg(["-f", "lavfi", "-i", "color=red:s=320x240:r=25", "-c:v", "rawvideo", "-t", "0.2", secret])
    source = tmp_path / "source.mov"
    run_ffmpeg(["-f", "lavfi", "-i", "color=blue:s=320x240:r=25", "-c:v", "rawvideo", "-t", "0.2", source])
    data = source.read_bytes()
    own = struct.pack(">I4sI", 12, b"url ", 1)
    place = data.index(own)
    alias = str(secret).encode() + b"\0"
    entry = struct.pack(">I4sI", 12 + len(alias), b"url ", 0) + alias
    grown = bytearray(data[:place] + entry + data[place + len(own) :])
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        at = grown.index(kind) - 4
        grown[at : at + 4] = struct.pack(">I", struct.unpack(">I", grown[at : at + 4])[0] + len(entry) - len(own))
    source.write_bytes(bytes(grown))
    done = await outcome(source)
    if isinstance(done, Conversion):
        assert frame_of(done.path).word_at(0.5, 0.5) != "red"


# --------------------------------------------------------------------------------------------------------------- bombs


async def test_a_picture_of_256_megapixels_is_refused(tmp_path: Path) -> None:
    """A small AVI of 16000x16000 took 2.5 GB of memory."""
    source = tmp_path / "bomb.avi"
    run_ffmpeg(["-f", "lavfi", "-i", "color=black:s=160x120:r=25", "-c:v", "msvideo1", "-t", "1", source])
    small, large = struct.pack("<II", 160, 120), struct.pack("<II", 16_000, 16_000)
    source.write_bytes(source.read_bytes().replace(small, large))
    assert isinstance(await outcome(source), LimitExceeded | DamagedSource | NotAVideo)


async def test_a_hundred_tracks_are_refused(tmp_path: Path) -> None:
    """Each track is a decoder and its buffers."""
    source = tmp_path / "tracks.mkv"
    tracks = [part for _ in range(100) for part in ("-map", "1:a")]
    made = [*picture("64x64"), "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-map", "0:v", *tracks, *H264]
    run_ffmpeg([*made, "-c:a", "pcm_u8", "-t", "0.2", "-f", "nut", tmp_path / "t.nut"])
    run_ffmpeg(["-i", tmp_path / "t.nut", "-map", "0", "-c", "copy", source])
    error = await outcome(source)
    assert isinstance(error, LimitExceeded)
    assert "101 tracks" in str(error)


async def test_a_source_that_claims_to_last_for_weeks_is_refused(tmp_path: Path) -> None:
    """Two packets of sound eleven days apart would become eleven days of silence."""
    source = tmp_path / "weeks.mkv"
    run_ffmpeg(
        [*picture("64x64"), *H264, "-vf", "setpts='if(lt(N,10),N,N+25000000)/25/TB'", "-fps_mode", "passthrough",
         "-frames:v", "20", source]
    )  # fmt: skip
    error = await outcome(source)
    assert isinstance(error, LimitExceeded)
    assert "hours" in str(error)
