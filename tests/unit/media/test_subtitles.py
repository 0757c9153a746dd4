"""What is read of subtitles as their track has them: letters, text that looks like times, scripts without sense."""

from __future__ import annotations

import pytest

from video_to_mp4.media.charset import charset_of
from video_to_mp4.media.subtitles import read_subrip, read_substation

TEXTS = {
    "cp1252": ("fre", "Où est la bibliothèque, garçon ?"),
    "cp1250": ("cze", "Příliš žluťoučký kůň"),
    "cp1251": ("rus", "Привет, как дела?"),
    "koi8_r": ("rus", "Привет, как дела?"),
    "cp1253": ("gre", "Καλημέρα, τι κάνεις;"),
    "cp1254": ("tur", "Günaydın, nasılsın? Şimdi"),
    "cp1255": ("heb", "שלום, מה שלומך?"),
    "cp1256": ("ara", "مرحبا كيف حالك"),
    "cp932": ("jpn", "これは日本語の字幕です。表示"),
    "euc_jp": ("jpn", "これは日本語の字幕です。表示"),
    "gb18030": ("chi", "这是中文字幕。你好吗?"),
    "big5": ("chi", "這是中文字幕。你好嗎?"),
    "cp949": ("kor", "안녕하세요. 한국어 자막입니다."),
    "utf_16_le": ("", "Hello, this is Žluťoučký"),
    "utf_8": ("", "žluťoučký 日本語"),
    "utf_8_sig": ("", "žluťoučký 日本語"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_letters_are_read_in_the_charset_that_their_language_uses(name: str) -> None:
    """Each is an honest text of its language, and too short for statistics alone."""
    language, text = TEXTS[name]
    pieces = [text.encode(name), "OK".encode(name.removesuffix("_sig"))]
    assert charset_of(pieces, language).decode(pieces[0]) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cp1252", "Café crème"),
        ("cp1252", "Jag är så trött på det här"),
        ("cp1252", "Não, você não pode fazer isso!"),
        ("cp1252", "Blåbærgrød på øen"),
        ("cp1252", "¿Qué pasa, señor?"),
        ("cp1252", "Don\u2019t \u2013 he said \u2026"),
        ("cp1250", "To je přece jasné, že ano. Řekni mi to ještě jednou."),
        ("cp1250", "Dzień dobry, jak się masz? Zażółć"),
        ("cp1250", "Árvíztűrő tükörfúrógép"),
        ("cp1251", "Привет, как дела?"),
        ("cp932", "これは日本語の字幕です。表示"),
    ],
)
def test_letters_are_read_where_no_language_is_told(name: str, text: str) -> None:
    """Two words must do; the West is believed where nothing speaks for another part of the world."""
    assert charset_of([text.encode(name)]).decode(text.encode(name)) == text


def test_a_text_of_which_a_few_bytes_are_broken_is_still_utf_8() -> None:
    """Another charset would make nonsense of all of it."""
    pieces = ["Příliš žluťoučký kůň".encode(), b"br\xffken"]
    assert [charset_of(pieces, "cze").decode(piece) for piece in pieces] == ["Příliš žluťoučký kůň", "br\ufffdken"]


def test_a_text_that_looks_like_the_next_line_is_text() -> None:
    """Ffmpeg counts its lines; only the one whose turn it is begins one."""
    raw = b"1\n00:00:01,000 --> 00:00:02,000\nTen,\n\n9\n00:00:05,000 --> 00:00:06,000\nnine\n\n"
    raw += b"2\n00:00:03,000 --> 00:00:04,000\nliftoff\n\n"
    cues = read_subrip(raw).cues
    assert [(cue.start_ms, cue.text.split("\n")[0]) for cue in cues] == [(1000, "Ten,"), (3000, "liftoff")]
    assert "nine" in cues[0].text


def test_places_are_kept_and_other_overrides_are_not_text() -> None:
    """SubRip borrows them from ASS."""
    [cue] = read_subrip(b"1\n00:00:01,000 --> 00:00:02,000\n{\\an8}{\\fad(1,2)}up {really}\r\n\r\nthere\n\n").cues
    assert (cue.place, cue.text) == (8, "up {really}\nthere")


@pytest.mark.parametrize(
    "raw", [b"", b"\n\n", b"Style: X,Arial,big,&H,1\nDialogue: 0,never,0:00:01.00,X,,0,0,0,,a\n", b"\xff\xfe\x00"]
)
def test_a_script_without_sense_has_no_lines(raw: bytes) -> None:
    """And costs nothing but itself."""
    assert read_substation(raw).cues == ()
    assert read_subrip(raw).cues == ()


@pytest.mark.parametrize("style", ["X,Arial,big,&H,1", "X,Arial,20,,,,", ",,,", "X,Arial,20,&H0,&H0,&H0,&H0,,,,,x,,,"])
@pytest.mark.parametrize("height", ["", "x", "0", "-1", "9" * 400])
def test_a_script_whose_fields_make_no_sense_costs_no_line(style: str, height: str) -> None:
    """Its text is what somebody came for."""
    head = f"[Script Info]\nPlayResY: {height}\n[V4+ Styles]\nStyle: {style}\n[Events]\n"
    lines = "Dialogue: 0,0:00:00.00,0:00:01.00,X,,0,0,0,,{\\pos(1,2)}a\nDialogue: 0,soon,later,X,,0,0,0,,b\n"
    assert [cue.text for cue in read_substation((head + lines).encode()).cues] == ["a"]
    assert [cue.text for cue in read_substation((head + lines.splitlines()[0]).encode()).cues] == ["a"]


def test_a_tag_for_each_letter_is_read_in_no_time() -> None:
    """A line of karaoke effects can have thousands of them."""
    line = "{\\k1}a{\\i1}" * 500
    raw = "".join(f"Dialogue: 0,0:00:00.00,0:00:01.00,X,,0,0,0,,{line}\n" for _ in range(500)).encode()
    assert {cue.text for cue in read_substation(b"[Events]\n" + raw).cues} == {"a" * 500}


def test_a_film_that_names_a_place_is_no_flight() -> None:
    """One line with coordinates among others is something that somebody says."""
    lines = ["Where are you?", "GPS 47.3769, 8.5417!", "Stay there."]
    raw = "".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{line}\n\n" for n, line in enumerate(lines, 1))
    assert not read_subrip(raw.encode()).tells_place
