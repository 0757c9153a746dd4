"""What happens to each stream of a source and why, and the sentences that tell what is lost: nothing, in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from video_to_mp4.jobs.encoding import AudioCodec, Container, Encoding, VideoCodec
from video_to_mp4.jobs.model import StreamFate
from video_to_mp4.media.info import MediaInfo, StreamInfo
from video_to_mp4.media.target import WORDS

TEXT_SUBTITLES = frozenset(
    {
        "subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text", "subviewer", "subviewer1", "microdvd", "mpl2",
        "jacosub", "sami", "realtext", "stl", "pjs", "vplayer",
    }
)  # fmt: skip

_OF_PICTURES = frozenset({"hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle", "xsub"})
_WORDS = {
    "hdmv_pgs_subtitle": "PGS",
    "dvd_subtitle": "VobSub",
    "dvb_subtitle": "DVB",
    "xsub": "XSUB",
    "dvb_teletext": "teletext",
    "eia_608": "closed captions",
    "hdmv_text_subtitle": "TextST",
    "arib_caption": "ARIB",
}
_CONTAINERS = {Container.MP4: "MP4", Container.MOV: "QuickTime", Container.MKV: "Matroska", Container.WEBM: "WebM"}
_UNWANTED = "was not asked for"
_COVER = "a cover picture is not carried over"
_SECOND_PICTURE = "the MP4 has one video track"
_OTHER_PROGRAMME = "it belongs to another programme"
_UNREADABLE = "this sound track can't be read"
_NO_TEXT = "there is no text in it"
TELLS_PLACE = "its lines say where the video was taken"
TOO_LARGE = "it is too large for subtitles"
_PICTURES = "its lines are pictures, not text"
_NEITHER = "MP4 can't carry subtitles of this kind"
_CHAPTERS = "its chapters are carried over by themselves"
_DATA = "MP4 players have no use for it"
_ATTACHMENT = "MP4 can't carry attachments"


def is_text_subtitle(stream: StreamInfo) -> bool:
    """Say whether it can become the text track of an MP4."""
    return stream.codec in TEXT_SUBTITLES and stream.is_decodable and not stream.is_encrypted


def kept(stream: StreamInfo, *, is_copied: bool, obstacle: str = "", encoding: Encoding | None = None) -> StreamFate:
    """Return the fate of a stream that is in the result; `obstacle` says why it could not be copied."""
    asked = encoding or Encoding()
    codecs: dict[str, VideoCodec | AudioCodec] = {"video": asked.video_codec, "audio": asked.audio_codec}
    codec = codecs.get(stream.kind)
    if is_copied:
        is_asked = codec in (VideoCodec.COPY, AudioCodec.COPY)
        return _fate(stream, "copy", "is to stay as it is" if is_asked else "plays everywhere as it is")
    target = WORDS[codec] if codec else f"{_CONTAINERS[asked.container]}'s text subtitles"
    return _fate(stream, "encode", f"becomes {target}: {obstacle}" if obstacle else f"becomes {target}")


def dropped(stream: StreamInfo, info: MediaInfo, *, is_unwanted: bool = False, why: str = "") -> StreamFate:
    """Return the fate of a stream that is not in the result; `why` is one of this module's reasons, if known."""
    if is_unwanted or why:
        return _fate(stream, "drop", why or _UNWANTED)
    if stream.kind == "video":
        return _fate(stream, "drop", _COVER if stream.is_cover else _SECOND_PICTURE)
    if stream.kind == "data":
        is_chapter_track = bool(info.chapters) and stream.codec_tag == "text"
        return _fate(stream, "drop", _CHAPTERS if is_chapter_track else _DATA)
    if is_text_subtitle(stream):
        return _fate(stream, "drop", _NO_TEXT)
    if stream.kind == "subtitle":
        return _fate(stream, "drop", _PICTURES if stream.codec in _OF_PICTURES else _NEITHER)
    return _fate(stream, "drop", _UNREADABLE if stream.kind == "audio" else _ATTACHMENT)


def of_another_programme(stream: StreamInfo) -> StreamFate:
    """Return the fate of a stream of a broadcast that has nothing to do with the picture."""
    return _fate(stream, "drop", _OTHER_PROGRAMME)


def losses(fates: Iterable[StreamFate]) -> tuple[str, ...]:
    """Return a sentence for each kind of loss; what was not wanted, or only names the chapters, is none."""
    lost = [fate for fate in fates if fate.action == "drop" and fate.why not in (_CHAPTERS, _UNWANTED)]
    reasons = dict.fromkeys(fate.why for fate in lost)  # in the order of the file
    return tuple(_sentence([fate for fate in lost if fate.why == why], why) for why in reasons)


def _fate(stream: StreamInfo, action: str, why: str) -> StreamFate:
    return StreamFate.model_validate(
        {
            "index": stream.index,
            "kind": stream.kind,
            "codec": stream.codec or stream.codec_tag or "unknown",
            "language": stream.language,
            "action": action,
            "why": why,
        }
    )


_NOUNS = {
    _COVER: ("cover picture", "cover pictures"),
    _SECOND_PICTURE: ("further video track", "further video tracks"),
    _OTHER_PROGRAMME: ("stream of another programme", "streams of another programme"),
    _UNREADABLE: ("sound track that can't be read", "sound tracks that can't be read"),
    _NO_TEXT: ("subtitle track without any text", "subtitle tracks without any text"),
    TELLS_PLACE: ("subtitle track that says where the video was taken", "subtitle tracks that say where it was taken"),
    TOO_LARGE: ("subtitle track that is too large", "subtitle tracks that are too large"),
    _PICTURES: ("subtitle track of pictures instead of text", "subtitle tracks of pictures instead of text"),
    _NEITHER: ("subtitle track that MP4 can't carry", "subtitle tracks that MP4 can't carry"),
    _DATA: ("data track", "data tracks"),
    _ATTACHMENT: ("attachment", "attachments"),
}


def _sentence(lost: list[StreamFate], why: str) -> str:
    one, many = _NOUNS[why]
    what = f"{len(lost)} {one if len(lost) == 1 else many}"
    names = "; ".join(_named(codec, lost) for codec in dict.fromkeys(fate.codec for fate in lost))
    return f"Left out: {what} ({names})."


def _named(codec: str, lost: list[StreamFate]) -> str:
    """Return a codec as people know it, with the languages of its streams and how many each has."""
    languages = Counter(fate.language for fate in lost if fate.codec == codec and fate.language)
    counted = [f"{language} ({count})" if count > 1 else language for language, count in languages.items()]
    return ", ".join((_WORDS.get(codec, codec), *counted))
