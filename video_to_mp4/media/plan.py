"""Decides what becomes of each stream of a source, and writes the command that does it. Pure: no file is touched."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from video_to_mp4.errors import ConversionError, CopyImpossible, NothingLeft, NoVideoTrack
from video_to_mp4.jobs.encoding import AudioCodec, Encoding, VideoCodec
from video_to_mp4.jobs.model import Options, Quality, StreamFate
from video_to_mp4.media import command, fates
from video_to_mp4.media.chapters import fitted
from video_to_mp4.media.clock import Times
from video_to_mp4.media.colour import colour_remark
from video_to_mp4.media.copying import OUT_OF_SYNC, bad_signs, picture_obstacle, sound_obstacle
from video_to_mp4.media.failure import ends_all_attempts
from video_to_mp4.media.fallback import Concessions, colours_refused, sound_changed, unreadable_streams
from video_to_mp4.media.faststart import was_too_small
from video_to_mp4.media.info import WITHOUT_TIMES, Chapter, MediaInfo, StreamInfo
from video_to_mp4.media.picture import SHOWN_ON_WHITE, Picture, choose_picture, display_size, plan_picture
from video_to_mp4.media.prepared import Prepared
from video_to_mp4.media.programmes import strangers
from video_to_mp4.media.sound import Sound, is_readable, plan_sound
from video_to_mp4.media.target import fits
from video_to_mp4.process import Exit

_UNEVEN_S = 0.1
_FULL_GROUP_FRAMES = 250
"""x264's own limit."""

_ASSUMED_RATE = 25
"""What ffmpeg takes for the rate of a stream that tells none."""

_RATE_NOTICED = 0.01
_SHAPE_MARKS = frozenset({"Spherical Mapping", "Stereo 3D"})

_SHORTFALL_NOTED_S = 1.0
_SHORTFALL_NOTED_SHARE = 0.02


@dataclass(frozen=True)
class Plan:
    """What will be done to each stream, and what the result must be like."""

    info: MediaInfo
    options: Options
    picture: Picture
    copies_picture: bool
    sounds: tuple[Sound, ...]
    captions: tuple[StreamInfo, ...]
    fates: tuple[StreamFate, ...]
    warnings: tuple[str, ...]
    threads: int = 0
    keeps_location: bool = False
    concessions: Concessions = field(default_factory=Concessions)

    @property
    def is_remux(self) -> bool:
        """Whether the picture is copied, so that no quality is lost and little work is to be done."""
        return self.copies_picture

    @property
    def mapped(self) -> tuple[int, ...]:
        """The source's streams that are in the result, in its order."""
        sounds = [sound.stream.index for sound in self.sounds]
        return (self.picture.stream.index, *sounds, *(caption.index for caption in self.captions))

    def unwritten(self, track_numbers: Set[int]) -> frozenset[int]:
        """Return which of the source's sound tracks and subtitles have no track among those of the result.

        The writer of MP4 numbers tracks by their place in the command, those included that it leaves out.
        """
        places = enumerate(self.mapped, 1)
        return frozenset(index for place, index in places if place > 1 and place not in track_numbers)

    @property
    def duration_s(self) -> float | None:
        """How long the result must be, by the packets of picture and sound; None when nobody knows."""
        return self._wanted_s(self.whole_s)

    @property
    def whole_s(self) -> float | None:
        """How long the source is, by the packets of picture and sound; None when nobody knows."""
        if self.copies_picture and self.picture.stream.has_browser_delays:
            return None  # a copy keeps delays that browsers don't believe, and ffmpeg does since version 7
        ends_s = [self._picture_end_s, *(_end_s(sound.stream, self.info) for sound in self.sounds)]
        known_s = [end_s for end_s in ends_s if end_s is not None]
        return max(known_s) if known_s else self.info.claimed_duration_s

    @property
    def chapters(self) -> tuple[Chapter, ...]:
        """The chapters of the result, on its clock."""
        extra = self.options.encoding.extra
        if dict(extra.output).get("map_chapters") == "-1":
            return ()
        ends_s = [end_s for end_s in (self.whole_s, extra.end_s) if end_s is not None]
        return fitted(self._own_chapters, extra.start_s or 0.0, min(ends_s, default=None))

    @property
    def _own_chapters(self) -> tuple[Chapter, ...]:
        """The source's chapters, counted from its beginning as its result is."""
        start_s = self.info.start_s
        return tuple(Chapter(c.start_s - start_s, c.end_s - start_s, c.title) for c in self.info.chapters)

    @property
    def picture_duration_s(self) -> float | None:
        """When the last picture must end; None when nobody knows."""
        return self._wanted_s(self._picture_end_s)

    def sound_duration_s(self, sound: Sound) -> float | None:
        """Return when a sound track must end; None when nobody knows."""
        return self._wanted_s(_end_s(sound.stream, self.info))

    @property
    def _picture_end_s(self) -> float | None:
        end_s = _end_s(self.picture.stream, self.info)
        return end_s if end_s is None or self.copies_picture else end_s + self.picture.lengthened_s

    def _wanted_s(self, whole_s: float | None) -> float | None:
        """Return how much of a duration lies in the part that was asked for."""
        extra = self.options.encoding.extra
        ends_s = [end_s for end_s in (whole_s, extra.end_s) if end_s is not None]
        return max(0.0, min(ends_s) - (extra.start_s or 0.0)) if ends_s else None

    @property
    def has_one_group(self) -> bool:
        """Whether x264 begins no second group of pictures because the first one is full; False when nobody knows."""
        return self.frames is not None and self.frames <= _FULL_GROUP_FRAMES and not self.copies_picture

    @property
    def middle_key_s(self) -> float | None:
        """Where the result needs a key frame, lest its middle can be decoded from seconds before it on only.

        As the next group is counted from there, a result has one group more than otherwise at most.
        """
        is_ours = self.options.encoding.video_codec is VideoCodec.X264 and not self.copies_picture
        if self.picture_duration_s is None or self.has_one_group or not is_ours:
            return None
        return max(0.0, self.picture_duration_s / 2 - 0.5)

    @property
    def has_uneven_end(self) -> bool:
        """Whether the last frames come so slowly, with no sound beside them, that reordering would cost time.

        The durations in an MP4 go by the order in which frames are decoded: with B-frames, whose decoding runs two
        frames ahead, a pause before the last frames of a screen recording would be missing from the end.
        """
        picture = self.picture.stream
        sounds_s = [sound.stream.end_s for sound in self.sounds if sound.stream.end_s is not None]
        if picture.uneven_end_s <= _UNEVEN_S or picture.last_s is None or self.options.encoding.extra.is_cut:
            return False
        return max(sounds_s, default=0.0) < picture.last_s

    @property
    def frames(self) -> int | None:
        """About how many frames the source has; None when they were not counted."""
        return self.picture.stream.packets or None

    @property
    def copied(self) -> frozenset[int]:
        """The source's streams that go into the result as they are."""
        sounds = {sound.stream.index for sound in self.sounds if sound.is_copied}
        return frozenset(sounds | {self.picture.stream.index} if self.copies_picture else sounds)

    @property
    def shape_marks(self) -> frozenset[str]:
        """What the source says of its picture's shape, in ffprobe's words: that it is a panorama, or stereoscopic."""
        return self.picture.stream.side_data & _SHAPE_MARKS

    @property
    def enabled(self) -> frozenset[int]:
        """The source's streams that are played by default, as in the source; of its sound tracks always one.

        A player that goes by the flag alone would be silent otherwise.
        """
        sounds = [sound.stream for sound in self.sounds]
        defaults = [stream.index for stream in (*sounds, *self.captions) if stream.is_default]
        lonely = [] if any(sound.is_default for sound in sounds) else [sound.index for sound in sounds[:1]]
        return frozenset({self.picture.stream.index, *defaults, *lonely})

    @property
    def has_chosen_copy(self) -> bool:
        """Whether something is copied that might be encoded just as well."""
        return bool(self.copied) and self.options.quality is Quality.AUTO and self.concessions.may_copy

    def fallback(self, ended: Exit, error: ConversionError | None = None) -> Plan | None:
        """Return the plan to try after this one; None when nothing else would help.

        Ask first with how ffmpeg ended alone, and again with the error when the result was not verified after that.
        """
        conceded = self._conceded(ended, error)
        return None if conceded is None else self._made_with(conceded)

    def without(self, indices: frozenset[int], why: str = "") -> Plan:
        """Return the plan without some of the source's streams, which are told as lost: `why` is one of `fates`."""
        return self._made_with(self.concessions.without_streams(indices, why)) if indices else self

    def noting(self, notes: tuple[str, ...]) -> Plan:
        """Return the plan with more to tell the user."""
        new = tuple(note for note in dict.fromkeys(notes) if note not in self.concessions.notes)
        return self._made_with(replace(self.concessions, notes=(*self.concessions.notes, *new))) if new else self

    def without_copied_picture(self, obstacle: str) -> Plan:
        """Return the plan with the picture encoded, for a reason that shows in the copy only."""
        return self._made_with(replace(self.concessions, picture_obstacle=obstacle))

    def without_shifts(self, indices: frozenset[int]) -> Plan:
        """Return the plan with these sound tracks encoded without the holes and overlaps that they came out with."""
        shifted = self.concessions.shifted_sounds | indices
        return self._made_with(replace(self.concessions, shifted_sounds=shifted))

    def _made_with(self, concessions: Concessions) -> Plan:
        return make_plan(
            self.info,
            self.options,
            threads=self.threads,
            keeps_location=self.keeps_location,
            concessions=concessions,
        )

    def _conceded(self, ended: Exit, error: ConversionError | None) -> Concessions | None:
        if ends_all_attempts(ended.code, ended.stderr):
            return None
        if was_too_small(ended.stderr) and self.concessions.may_reserve:
            return replace(self.concessions, may_reserve=False)
        if ended.code != 0 and colours_refused(ended.stderr) and not self.concessions.without_colours:
            return replace(self.concessions, without_colours=True)
        is_doubtful = error is not None or ended.code != 0 or bad_signs(ended.stderr, self.copies_picture)
        if self.has_chosen_copy and is_doubtful:
            return self.concessions.without_copying()
        if ended.code != 0 and sound_changed(ended.stderr) and not self.concessions.steady_audio_filters:
            return replace(self.concessions, steady_audio_filters=True)
        unreadable = unreadable_streams(ended.stderr, self.mapped) if ended.code != 0 else frozenset()
        return self.concessions.without_streams(unreadable) if unreadable else None

    def argv(
        self, source: Path, partial: Path, *, prepared: Prepared | None = None, ffmpeg: str = "ffmpeg"
    ) -> list[str]:
        """Return the command that makes `partial` of `source`; it overwrites `partial`.

        Subtitles and chapters come from what was prepared, for this plan or one with fewer concessions.
        """
        return command.build(self, source, partial, prepared or Prepared(), ffmpeg)


def make_plan(
    info: MediaInfo,
    options: Options,
    *,
    threads: int = 0,
    keeps_location: bool = False,
    concessions: Concessions | None = None,
) -> Plan:
    """Decide what becomes of each stream of a probed source.

    `threads` is how many threads decoder, filters and encoder may have each; 0 leaves it to ffmpeg. Raises NoVideoTrack
    for an info that `probe` would have refused.
    """
    conceded = concessions or Concessions()
    stream = choose_picture(info)
    if stream is None:
        raise NoVideoTrack
    encoding = options.encoding
    may_copy = options.quality is Quality.AUTO and conceded.may_copy and encoding.leaves_choice
    picture = plan_picture(stream, options.resolution, encoding, quality=options.quality, info=info)
    left_out = conceded.without | strangers(info, stream)
    sounds = [s for s in info.of_kind("audio") if _is_wanted(s, encoding) and s.index not in left_out]
    captions = [s for s in info.of_kind("subtitle") if _is_wanted(s, encoding) and s.index not in left_out]
    _check_copies(stream, sounds, encoding)
    plan = Plan(
        info=info,
        options=options,
        picture=picture,
        copies_picture=encoding.video_codec is VideoCodec.COPY
        or (may_copy and not _picture_obstacle(picture, info, conceded)),
        sounds=tuple(_sound(s, info, encoding, conceded, may_copy=may_copy) for s in sounds),
        captions=tuple(captions),
        fates=(),
        warnings=(),
        threads=threads,
        keeps_location=keeps_location,
        concessions=conceded,
    )
    if encoding.extra.is_cut and plan.duration_s == 0:
        raise NothingLeft
    return _with_words(plan)


def _is_wanted(stream: StreamInfo, encoding: Encoding) -> bool:
    if stream.kind == "audio":
        is_unwanted = encoding.audio_codec is AudioCodec.NONE or encoding.extra.drops_sound
        return is_readable(stream) and not is_unwanted
    return fates.is_text_subtitle(stream) and not encoding.extra.drops_subtitles


def _sound(stream: StreamInfo, info: MediaInfo, encoding: Encoding, conceded: Concessions, *, may_copy: bool) -> Sound:
    is_choice = may_copy and encoding.audio is None and not (encoding.extra.channels or encoding.extra.sample_rate)
    is_copied = encoding.audio_codec is AudioCodec.COPY or (is_choice and not _sound_obstacle(stream, info, conceded))
    may_change = info.is_in("mpegts", "mpeg") or stream.index in conceded.shifted_sounds
    return plan_sound(stream, file_start_s=info.start_s, is_copied=is_copied, may_change=may_change, encoding=encoding)


def _check_copies(picture: StreamInfo, sounds: list[StreamInfo], encoding: Encoding) -> None:
    """Raise CopyImpossible for a stream that shall be copied and can't go into the container."""
    copied = [picture] if encoding.video_codec is VideoCodec.COPY else []
    copied += sounds if encoding.audio_codec is AudioCodec.COPY else []
    for stream in copied:
        if not fits(stream.codec, encoding.container):
            raise CopyImpossible(f"{stream.codec} can't be copied into {encoding.container.value}. Encode it instead.")


def _picture_obstacle(picture: Picture, info: MediaInfo, conceded: Concessions) -> str:
    """Say why the picture can't be copied; a smaller size is the reason only where nothing else is."""
    if picture.times is Times.SPREAD:
        return "its times make no sense"
    is_smaller = display_size(picture.stream) != (Fraction(picture.width), Fraction(picture.height))
    obstacle = conceded.picture_obstacle or picture_obstacle(picture.stream, info)
    return obstacle or ("it is made smaller" if is_smaller else "")


def _sound_obstacle(stream: StreamInfo, info: MediaInfo, conceded: Concessions) -> str:
    """Say why a sound track can't be copied; what only its copy has shown is a reason where there is no other."""
    return sound_obstacle(stream, info) or (OUT_OF_SYNC if stream.index in conceded.shifted_sounds else "")


def _with_words(plan: Plan) -> Plan:
    decided = tuple(_fate(stream, plan) for stream in plan.info.streams)
    warnings = (*_remarks(plan), *fates.losses(decided), *plan.concessions.notes)
    return replace(plan, fates=decided, warnings=warnings)


def _fate(stream: StreamInfo, plan: Plan) -> StreamFate:
    if stream.index not in plan.mapped:
        if stream.index in strangers(plan.info, plan.picture.stream):
            return fates.of_another_programme(stream)
        is_unwanted = _could_be_kept(stream) and stream.index not in plan.concessions.without
        why = dict(plan.concessions.whys).get(stream.index, "")
        return fates.dropped(stream, plan.info, is_unwanted=is_unwanted, why=why)
    encoding = plan.options.encoding
    if stream.index in plan.copied:
        return fates.kept(stream, is_copied=True, encoding=encoding)
    return fates.kept(stream, is_copied=False, obstacle=_obstacle(stream, plan), encoding=encoding)


def _could_be_kept(stream: StreamInfo) -> bool:
    return stream.kind in ("audio", "subtitle") and _is_wanted(stream, Encoding())


def _obstacle(stream: StreamInfo, plan: Plan) -> str:
    """Say why a stream is encoded that might have been copied; empty where nobody wanted that."""
    is_choice = plan.options.quality is Quality.AUTO and plan.concessions.may_copy
    if not is_choice or not plan.options.encoding.leaves_choice or stream.kind == "subtitle":
        return ""
    if stream.kind == "audio":
        is_choice = plan.options.encoding.audio is None
        return _sound_obstacle(stream, plan.info, plan.concessions) if is_choice else ""
    return _picture_obstacle(plan.picture, plan.info, plan.concessions)


def _remarks(plan: Plan) -> tuple[str, ...]:
    told = (_cut_short, _late_chapters, _times, _assumed_rate, _sizes, _colours, _transparency)
    return tuple(remark for tell in told if (remark := tell(plan)))


def _late_chapters(plan: Plan) -> str:
    late = [chapter for chapter in plan.info.chapters if _is_late(chapter, plan)]
    return f"Chapters after the end of the film were left out ({len(late)})." if late else ""


def _is_late(chapter: Chapter, plan: Plan) -> bool:
    return plan.whole_s is not None and chapter.start_s - plan.info.start_s >= plan.whole_s


def _cut_short(plan: Plan) -> str:
    claimed_s, true_s = _claimed_s(plan), plan.whole_s
    if claimed_s is None or true_s is None or plan.info.clock_may_jump:
        return ""
    missing_s = claimed_s - true_s - max(0.0, plan.info.start_s)  # some containers count from 0, others from the start
    if missing_s <= _SHORTFALL_NOTED_S + _SHORTFALL_NOTED_SHARE * claimed_s:
        return ""
    return f"The source ends early: {true_s:.1f} s of {claimed_s:.1f} s."


def _times(plan: Plan) -> str:
    picture, pace = plan.picture, plan.picture.stream.pace
    if plan.copies_picture or plan.options.encoding.rate is not None or pace is None:
        return ""
    if picture.times is Times.SPREAD:
        return (
            f"The times of its frames make no sense, so they are shown evenly, {float(picture.rate):.3g} in a second."
        )
    if picture.times is Times.STEADY and pace.rate is not None:
        return f"The source has {float(pace.rate):.0f} frames in a second; {float(picture.rate):.3g} of them were kept."
    return ""


def _claimed_s(plan: Plan) -> float | None:
    """Return how long picture and sound last by what the container says.

    What it says of the whole file may be when the last subtitle or chapter ends.
    """
    info, claimed_s = plan.info, plan.info.claimed_duration_s
    told_s = [stream.duration_s for stream in (plan.picture.stream, *(sound.stream for sound in plan.sounds))]
    if info.is_in("mov") and all(told_s):
        return max((duration_s for duration_s in told_s if duration_s), default=None)
    others_s = [stream.end_s for stream in info.of_kind("subtitle") if stream.end_s is not None]
    is_of_others = claimed_s is not None and max(others_s, default=0.0) >= claimed_s - _SHORTFALL_NOTED_S
    return plan.whole_s if is_of_others else claimed_s


def _sizes(plan: Plan) -> str:
    picture = plan.picture
    if not picture.stream.sizes or plan.copies_picture:
        return ""
    found = ", ".join(map(str, picture.stream.sizes))
    into = f"{picture.width}x{picture.height}"
    return f"The size of the picture changes on the way ({found}); all of it was fitted into {into}."


def _assumed_rate(plan: Plan) -> str:
    """Say by which rate a stream without a container plays; one that tells another one itself is believed."""
    if not plan.info.is_in(*WITHOUT_TIMES) or not plan.frames or not plan.picture_duration_s:
        return ""
    if plan.options.encoding.extra.is_cut or abs(plan.frames / plan.picture_duration_s - _ASSUMED_RATE) > _RATE_NOTICED:
        return ""
    return f"The file doesn't say how fast it plays: {_ASSUMED_RATE} frames a second are assumed."


def _colours(plan: Plan) -> str:
    vision = plan.picture.stream.dolby_vision
    if vision is None or not vision.is_incompatible:
        return "" if plan.copies_picture else colour_remark(plan.picture.stream)
    name = f"Dolby Vision profile {vision.profile}"
    return f"This is {name}, whose colours can't be converted correctly yet: they will look wrong."


def _transparency(plan: Plan) -> str:
    if not plan.picture.stream.has_alpha:
        return ""
    if plan.picture.stream.codec in SHOWN_ON_WHITE:
        return "Transparent parts are white: MP4 has no transparency."
    return "Transparency is lost: MP4 has none."


def _end_s(stream: StreamInfo, info: MediaInfo) -> float | None:
    return stream.end_s - info.start_s if stream.end_s is not None else None
