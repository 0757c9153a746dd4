"""Every error that this project raises on purpose.

    VideoToMp4Error                  something went wrong that a user can understand
    ├── ConfigurationError           the server can't start as it is set up
    │   ├── PortTaken                another program listens on the port
    │   ├── ToolMissing              ffmpeg or ffprobe is not installed
    │   └── DataFolderUnusable       the data folder can't be made or written
    ├── InvalidArgument              a request asks for something that makes no sense
    │   ├── UnsupportedFileType      the name's extension is not one that we accept
    │   ├── UnsupportedContentType   a request's body is of a kind that its address does not take
    │   └── FileTooLarge             the file is larger than the server's limit
    ├── Unauthenticated              nobody knows who asks, and the server wants to know
    ├── Forbidden                    another site makes a browser ask
    ├── TokenNotFound                no such token, or it was revoked already
    ├── LinkNotFound                 no such invitation, or it was used, or its time is up
    ├── JobNotFound                  no such job, or another owner's
    ├── BatchNotFound                no such batch, or another owner's
    ├── JobNotReady                  the job's state does not allow what was asked
    │   ├── BatchAborted             the batch takes no more jobs
    │   ├── IllegalTransition        the job's life has no such step
    │   └── RequestUnderWay          the same request is being answered just now
    ├── ResultGone                   the result was cleaned up
    ├── NoPicture                    nothing in the result can be shown as a picture
    ├── RangeNotSatisfiable          nothing of the result lies in the range that was asked for
    ├── UploadConflict               bytes were sent for another place than the next one
    ├── UploadInterrupted            the sender went away before the last byte
    ├── UploadExpired                nobody went on with it in time
    ├── InsufficientStorage          the disk has no room for it
    ├── TooManyRequests              the owner has too much under way already
    ├── StoreUnavailable             the database does not answer
    ├── StorageUnavailable           the data folder can't be used just now
    ├── WrongUsage                   a command makes no sense as it was given
    ├── LocalFileUnusable            a file on the command line's own side can't be read or written
    ├── ServerUnreachable            nobody answers the command line, or no longer
    ├── RequestRefused               the server says no to the command line, and why
    │   └── ServerBusy               it says: later
    ├── ProcessStalled               a child process showed no sign of life for too long
    ├── ImportsOff                   the server does not fetch videos from links
    ├── FetchError                   the video could not be fetched from its link
    │   ├── AddressRefused           the link, or a redirect, leads where nothing may be fetched
    │   ├── VideoNotFound            the site says that there is no such video
    │   ├── LoginNeeded              the site wants to know who asks
    │   ├── GeoBlocked               the site does not show it in the server's country
    │   ├── UnsupportedSite          no video on that page, or of no kind that we know
    │   ├── LiveStream               it has no end yet
    │   ├── NoConnection             the site does not answer
    │   ├── BrokenOff                the connection ended, or fell silent, before the video was whole
    │   ├── PlaylistFound            the link leads to several videos, and nobody has said that all are wanted
    │   ├── PlaylistTooLong          the same, and more than are fetched at a time
    │   └── FetcherMissing           yt-dlp is not installed
    └── ConversionError              this source could not become an MP4
        ├── JobFailed                there is no result, as the job failed
        ├── SourceMissing            the source's file is no longer there
        ├── CopyImpossible           a stream can't go into the container that was asked for
        ├── NothingLeft              the part that was asked for is not in the source
        ├── NotAVideo                no known container, or nothing in it
        ├── NoVideoTrack             sound or pictures only
        ├── EncryptedSource          DRM
        ├── UnknownCodec             this ffmpeg can't decode it
        ├── DamagedSource            too damaged to give a single frame
        ├── LimitExceeded            a bomb: too many pixels, streams or bytes
        ├── EncoderFailed            ffmpeg failed for another reason
        ├── ConversionStalled        ffmpeg stopped making progress
        ├── KilledBySystem           the operating system killed ffmpeg
        ├── ResultUnverified         the result is not what the plan promised
        └── CrashedTooOften          the server died three times while it ran

`code` is stable and meant for programs; `str(error)` is a sentence for people. `details` holds what an expert
wants to see (the end of ffmpeg's log, say). The cause, where there is one, is chained with `raise … from`.
"""

from __future__ import annotations


class VideoToMp4Error(Exception):
    """Something went wrong that a user can understand."""

    code = "INTERNAL_ERROR"
    sentence = "Something went wrong on the server."

    def __init__(self, sentence: str | None = None, *, details: str = "") -> None:
        super().__init__(sentence or self.sentence)
        self.details = details


class ConfigurationError(VideoToMp4Error):
    """The server can't start as it is set up."""

    code = "CONFIGURATION"
    sentence = "The server can't start as it is set up."


class PortTaken(ConfigurationError):
    """Another program listens on the port."""

    code = "PORT_TAKEN"


class ToolMissing(ConfigurationError):
    """ffmpeg or ffprobe is not installed, or does not do what is needed."""

    code = "TOOL_MISSING"
    sentence = "ffmpeg is not installed on the server."


class DataFolderUnusable(ConfigurationError):
    """The data folder can't be made or written."""

    code = "DATA_FOLDER_UNUSABLE"


class InvalidArgument(VideoToMp4Error):
    """A request asks for something that makes no sense."""

    code = "INVALID_ARGUMENT"
    sentence = "The request is not valid."

    def __init__(self, sentence: str | None = None, *, field: str = "", details: str = "") -> None:
        super().__init__(sentence, details=details)
        self.field = field
        """The part of the request that is wrong, as a path: «video.codec»."""


class UnsupportedFileType(InvalidArgument):
    """The name's extension is not one that we accept."""

    code = "UNSUPPORTED_MEDIA_TYPE"


class UnsupportedContentType(InvalidArgument):
    """The body of a request is of a kind that its address does not take."""

    code = "UNSUPPORTED_MEDIA_TYPE"


class FileTooLarge(InvalidArgument):
    """The file is larger than the server's limit."""

    code = "FILE_TOO_LARGE"


class Unauthenticated(VideoToMp4Error):
    """Nobody knows who asks, and the server wants to know."""

    code = "UNAUTHENTICATED"
    sentence = "This needs a valid token, or a browser that joined one."


class Forbidden(VideoToMp4Error):
    """Another site makes a browser ask for something to be changed."""

    code = "FORBIDDEN"
    sentence = "Requests from other sites are not allowed."


class TokenNotFound(VideoToMp4Error):
    """No such token, or it was revoked already."""

    code = "TOKEN_NOT_FOUND"
    sentence = "There is no such token."


class LinkNotFound(VideoToMp4Error):
    """No such invitation to join, or it was used, or its time is up."""

    code = "LINK_NOT_FOUND"
    sentence = "This link was used already, or its time is up. Ask for a new one."


class JobNotFound(VideoToMp4Error):
    """No such job, or another owner's: the two must not be told apart."""

    code = "JOB_NOT_FOUND"
    sentence = "There is no such job."


class BatchNotFound(VideoToMp4Error):
    """No such batch, or another owner's: the two must not be told apart."""

    code = "BATCH_NOT_FOUND"
    sentence = "There is no such batch."


class JobNotReady(VideoToMp4Error):
    """The job's state does not allow what was asked."""

    code = "JOB_NOT_READY"
    sentence = "The job is not ready for this."


class BatchAborted(JobNotReady):
    """The batch was aborted and takes no more jobs."""

    code = "BATCH_ABORTED"
    sentence = "The batch was aborted, so it takes no more videos. Make a new one."


class IllegalTransition(JobNotReady):
    """The job's life has no such step."""


class RequestUnderWay(JobNotReady):
    """A request with the same Idempotency-Key is being answered just now."""

    sentence = "A request with the same Idempotency-Key is still under way. Ask again when it is done."


class ResultGone(VideoToMp4Error):
    """The result was cleaned up."""

    code = "RESULT_GONE"
    sentence = "The converted file was cleaned up."


class NoPicture(VideoToMp4Error):
    """The result has no picture that can be shown."""

    code = "NO_PICTURE"
    sentence = "There is no picture in this result that the server can show."


class RangeNotSatisfiable(VideoToMp4Error):
    """Nothing of the result lies in the range that was asked for."""

    code = "RANGE_NOT_SATISFIABLE"
    sentence = "The result ends before the range that was asked for."

    def __init__(self, size_bytes: int) -> None:
        super().__init__()
        self.size_bytes = size_bytes


class UploadConflict(VideoToMp4Error):
    """Bytes were sent for another place in the file than the next one."""

    code = "UPLOAD_CONFLICT"
    sentence = "The upload does not go on where it stopped."


class UploadInterrupted(VideoToMp4Error):
    """The sender went away, or fell silent, before the last byte."""

    code = "UPLOAD_INTERRUPTED"
    sentence = "The upload was interrupted."


class UploadExpired(VideoToMp4Error):
    """Nobody went on with the upload in time, so its bytes were removed."""

    code = "UPLOAD_EXPIRED"
    sentence = "The upload was not finished in time, so what had arrived was removed. Add the file again."


class InsufficientStorage(VideoToMp4Error):
    """The disk has no room for it."""

    code = "INSUFFICIENT_STORAGE"
    sentence = "The server's disk is full. Delete finished jobs to make room, then retry."


class TooManyRequests(VideoToMp4Error):
    """The owner has too much under way already."""

    code = "TOO_MANY_REQUESTS"
    sentence = "You have too much under way. Wait until some of it is done."


class StoreUnavailable(VideoToMp4Error):
    """The database does not answer: locked by another program, damaged, or its disk is gone."""

    code = "STORE_UNAVAILABLE"
    sentence = "The server's database does not answer just now. Try again in a moment."


class StorageUnavailable(VideoToMp4Error):
    """The data folder, which was fine when the server started, can't be used now: read-only, gone, or a broken disk."""

    code = "STORAGE_UNAVAILABLE"
    sentence = "The server's data folder can't be used just now. Try again when it is repaired."


class WrongUsage(VideoToMp4Error):
    """A command makes no sense as it was given."""

    code = "WRONG_USAGE"
    sentence = "The command makes no sense as it was given."


class LocalFileUnusable(VideoToMp4Error):
    """A file on the command line's own side can't be read or written."""

    code = "LOCAL_FILE_UNUSABLE"


class ServerUnreachable(VideoToMp4Error):
    """Nobody answers the command line, or no longer."""

    code = "SERVER_UNREACHABLE"
    sentence = "The server does not answer."


class RequestRefused(VideoToMp4Error):
    """The server says no to the command line; code and sentence are the server's."""

    code = "REQUEST_REFUSED"

    def __init__(self, sentence: str, *, code: str = "", status: int = 0, details: str = "") -> None:
        super().__init__(sentence, details=details)
        if code:
            self.code = code
        self.status = status
        """The answer's HTTP status; 0 when there is none."""


class ServerBusy(RequestRefused):
    """The server says: later."""

    retry_after_s = 0.0


class ProcessStalled(VideoToMp4Error):
    """A child process showed no sign of life for too long and was killed."""

    code = "PROCESS_STALLED"
    sentence = "The program stopped responding."


class ImportsOff(VideoToMp4Error):
    """The server does not fetch videos from links, as it is set up."""

    code = "IMPORTS_OFF"
    sentence = "This server does not fetch videos from links."


class FetchError(VideoToMp4Error):
    """The video could not be fetched from its link."""

    code = "FETCH_FAILED"
    sentence = "The video could not be fetched. The details hold what yt-dlp said."


class AddressRefused(FetchError):
    """The link, or a redirect, leads where nothing may be fetched: inside, to a denied host, to an odd port."""

    code = "ADDRESS_REFUSED"
    sentence = "This link leads to an address from which the server does not fetch, such as one inside its own network."


class VideoNotFound(FetchError):
    """The site says that there is no such video, or no longer."""

    code = "VIDEO_NOT_FOUND"
    sentence = "There is no video at this link: it was removed, or never was there."


class LoginNeeded(FetchError):
    """The site wants to know who asks."""

    code = "LOGIN_NEEDED"
    sentence = "The site shows this video to certain people only, after a login that the server does not have."


class GeoBlocked(FetchError):
    """The site does not show the video in the server's country."""

    code = "GEO_BLOCKED"
    sentence = "The site does not show this video in the country where the server is."


class UnsupportedSite(FetchError):
    """There is no video on that page, or none of a kind that we know."""

    code = "UNSUPPORTED_SITE"
    sentence = "No video was found at this link, or the site is not one of those that can be fetched from."


class LiveStream(FetchError):
    """The video has no end yet."""

    code = "LIVE_STREAM"
    sentence = "This is a live stream, or one that is yet to begin. Try again when it is over."


class NoConnection(FetchError):
    """The site does not answer."""

    code = "NO_CONNECTION"
    sentence = "The site does not answer. Check the link, or try again later."


class BrokenOff(FetchError):
    """The connection ended, or fell silent, before the video was whole."""

    code = "BROKEN_OFF"
    sentence = "The connection to the site broke off before the video was whole. Retry fetches it again."


class PlaylistFound(FetchError):
    """The link leads to several videos, and nobody has said that all are wanted."""

    code = "PLAYLIST"
    sentence = "This link leads to several videos. Nothing has been fetched yet."

    def __init__(self, sentence: str | None = None, *, count: int = 0, details: str = "") -> None:
        super().__init__(sentence, details=details)
        self.count = count
        """How many videos can be fetched; `details` has a line for each, its address last."""


class PlaylistTooLong(PlaylistFound):
    """The link leads to more videos than are fetched at a time."""

    code = "PLAYLIST_TOO_LONG"


class FetcherMissing(FetchError):
    """yt-dlp is not installed on the server."""

    code = "FETCHER_MISSING"
    sentence = "yt-dlp is not installed on the server, so nothing can be fetched from links."


class ConversionError(VideoToMp4Error):
    """This source could not become an MP4."""

    code = "TRANSCODE_FAILED"
    sentence = "The video could not be converted."


class JobFailed(ConversionError):
    """There is no result to be had, as the job failed; `reason` is the code of what went wrong."""

    def __init__(self, sentence: str, *, reason: str, details: str) -> None:
        super().__init__(sentence, details=details)
        self.reason = reason


class SourceMissing(ConversionError):
    """The source's file is no longer there."""

    code = "SOURCE_MISSING"
    sentence = "The uploaded file is no longer on the server. Add it again."


class CopyImpossible(ConversionError):
    """A stream shall be copied, and can't go into the container that was asked for."""

    code = "COPY_IMPOSSIBLE"
    sentence = "A stream of this video can't be copied into that container."


class NothingLeft(ConversionError):
    """The part that was asked for is not in the source."""

    code = "NOTHING_LEFT"
    sentence = "The video ends before the part that was asked for begins."


class NotAVideo(ConversionError):
    """No known container, or nothing in it."""

    code = "NOT_A_VIDEO"
    sentence = "This is not a video, or not one of a kind that we know."


class NoVideoTrack(ConversionError):
    """Sound or cover pictures only."""

    code = "NO_VIDEO_TRACK"
    sentence = "There is no video track in this file."


class EncryptedSource(ConversionError):
    """The source is protected by DRM."""

    code = "ENCRYPTED"
    sentence = "This video is encrypted (DRM), so it can't be converted."


class UnknownCodec(ConversionError):
    """The video's codec is unknown to the installed ffmpeg."""

    code = "UNKNOWN_CODEC"
    sentence = "The server's ffmpeg can't decode this video's codec."


class DamagedSource(ConversionError):
    """Too damaged to give a single frame."""

    code = "DAMAGED"
    sentence = "The file is damaged: not one picture of it could be read."


class LimitExceeded(ConversionError):
    """The source asks for more memory, streams or bytes than is sane."""

    code = "LIMIT_EXCEEDED"
    sentence = "The video is larger than the server's limits allow."


class EncoderFailed(ConversionError):
    """ffmpeg failed for a reason that we have no better sentence for."""

    code = "ENCODER_FAILED"
    sentence = "ffmpeg could not convert this video. The details hold its last words."


class ConversionStalled(ConversionError):
    """ffmpeg stopped making progress and was ended."""

    code = "STALLED"
    sentence = "The conversion stopped making progress and was ended. Retry, or try another quality."


class KilledBySystem(ConversionError):
    """The operating system killed ffmpeg."""

    code = "KILLED"
    sentence = "The operating system ended the conversion, most likely for lack of memory."


class ResultUnverified(ConversionError):
    """The result is not what the plan promised, so it is not offered."""

    code = "RESULT_UNVERIFIED"
    sentence = "The converted file did not pass the final check, so it was thrown away."


class CrashedTooOften(ConversionError):
    """The server died each time that this job ran."""

    code = "CRASHED_TOO_OFTEN"
    sentence = "The server stopped three times while this video was being converted."
