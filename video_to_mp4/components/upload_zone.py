"""Where files come in: the whole window takes a drop, and a card says so and has the button."""

from __future__ import annotations

from typing import Any

import reflex as rx

from video_to_mp4.components import browser, dialog, styles
from video_to_mp4.components.link_dialog import link_dialog
from video_to_mp4.states.app_state import view
from video_to_mp4.states.job_view import ACCEPTED, ACCEPTED_WORDS, REFUSED_WORDS

# The extension alone decides: browsers disagree on media types, and many systems know none for these.
# The drop zone (react-dropzone 17) throws away an extension with a hyphen, but hands media types on as they are, and
# makes one list with commas of both: what it would throw away (.dvr-ms) goes along with the type.
_PLAIN = [extension for extension in ACCEPTED if extension[1:].isalnum()]
_TYPE = ["video/x-decided-by-extension", *(extension for extension in ACCEPTED if extension not in _PLAIN)]
_ACCEPT = {",".join(_TYPE): _PLAIN}


def drop_window(*children: Any, **props: Any) -> rx.Component:
    """Make an element whose whole area takes files; wrong and too large ones are refused at once, each by name."""
    zone = rx.upload.root(
        *children,
        rx.el.div("Drop to add", class_name=styles.OVER, custom_attrs={"data-over": ""}, aria_hidden=True),
        id=browser.UPLOAD_ID,
        accept=_ACCEPT,
        min_size=1,
        max_size=view.upload_limit_bytes,
        no_click=True,
        no_keyboard=True,
        on_drop_rejected=_refuse,
        drag_active_style={"& [data-over]": {"display": "grid"}},
        **props,
    )
    chooser = zone.children[0].children[0]
    # A screen reader gets the real button; the chooser behind it needs a name all the same.
    chooser.custom_attrs |= {"aria-label": "Video files", "aria-hidden": "true"}
    return zone


def _refuse(rejected: Any) -> Any:
    return rx.toast.error(
        "Not added",
        description=browser.refusal_text(rejected, view.upload_limit, REFUSED_WORDS),
        close_button=True,
        duration=10_000,
        style={"white_space": "pre-line"},
    )


@rx.memo
def upload_card() -> rx.Component:
    """Invite to drop or browse, and say what is accepted: a large card, or a strip above jobs."""
    return rx.el.section(
        rx.el.div(rx.icon("upload", class_name="size-6"), class_name=styles.DROP_ICON),
        rx.el.div(
            rx.el.h2("Drop videos anywhere on this page", class_name=styles.DROP_TITLE),
            rx.el.p(f"{ACCEPTED_WORDS} · up to ", view.upload_limit, " each", class_name=styles.DROP_HINT),
            class_name=styles.DROP_TEXT,
        ),
        rx.el.div(
            dialog.button(
                "Browse files",
                styles.PRIMARY,
                id="browse",
                on_click=rx.run_script(browser.upload_call("browse()")),
            ),
            rx.cond(view.can_fetch, link_dialog()),
            class_name=styles.DROP_BUTTONS,
        ),
        rx.el.p(
            rx.el.span(rx.el.kbd("O", class_name=styles.KEY), " open files"),
            rx.cond(view.can_fetch, rx.el.span(rx.el.kbd("L", class_name=styles.KEY), " add a link")),
            rx.el.span(rx.el.kbd("/", class_name=styles.KEY), " filter"),
            rx.el.span(rx.el.kbd("?", class_name=styles.KEY), " all shortcuts"),
            class_name=styles.KEYS,
        ),
        browser.JobsKnown.create(),
        aria_label="Add videos",
        class_name=styles.DROP_CARD,
    )
