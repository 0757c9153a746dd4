"""What a person does with the page in a real browser, for tests.

visitor = Visitor(browser, server)      # a browser of their own: cookies, local storage
tab = visitor.open()
tab.drop(clip)
tab.confirm(resolution="480p", quality="Standard")
tab.expect_state(clip.name, "completed")
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    CDPSession,
    ConsoleMessage,
    Download,
    Locator,
    Page,
    Request,
    WebSocket,
    expect,
)

from serving import Server

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)

WORDS = {
    "uploading": "Uploading",
    "fetching": "Fetching",
    "queued": "Queued",
    "running": "Processing",
    "completed": "Complete",
    "failed": "Error",
    "canceling": "Canceling",
    "canceled": "Canceled",
    "expired": "Expired",
    "rolled_back": "Rolled back",
}
"""What a row says in each state."""

PATIENCE_MS = 30_000
"""For whatever the page does by itself within a second on an idle machine."""

CONVERSION_MS = 300_000
"""For the conversion of a clip of some seconds, which takes some seconds on an idle machine."""

expect.set_options(timeout=PATIENCE_MS)

_SERVER_IS_AWAY = re.compile(
    r"ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|WebSocket connection to"
    r"|status of 503 .*/thumbnail"  # asked for while the server stops at the end of the test
)


class Visitor:
    """One browser with cookies of its own, and all that it sent and complained of."""

    def __init__(self, browser: Browser, server: Server, **settings: Any) -> None:
        self.server = server
        self.context: BrowserContext = browser.new_context(
            base_url=server.url, **({"viewport": {"width": 1280, "height": 800}} | settings)
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.requests: list[Request] = []
        self.sent_frames: list[str] = []
        self.hosts: set[str] = set()
        self.problems: list[str] = []
        self.tabs: list[Tab] = []
        self._allowed: list[re.Pattern[str]] = []
        self.context.on("request", self._on_request)
        self.context.on("console", self._on_console)
        self.context.on("weberror", lambda problem: self.problems.append(f"exception: {problem.error}"))
        self.context.on("page", self._on_page)

    def open(self) -> Tab:
        """Open the page in a new tab and return when it shows the jobs."""
        tab = Tab(self, self.context.new_page())
        self.tabs.append(tab)
        tab.goto()
        return tab

    def tolerate(self, complaint: str | re.Pattern[str]) -> None:
        """Let the console say this: Chromium itself complains of each answer 404 and each server that is away."""
        self._allowed.append(re.compile(complaint))

    def tolerate_a_server_that_is_away(self) -> None:
        """Let the console complain of connections that fail."""
        self.tolerate(_SERVER_IS_AWAY)

    def sent(self) -> str:
        """Return everything that left this browser so far, as text."""
        requests = (
            f"{request.method} {request.url} {request.headers} {_body(request)}" for request in list(self.requests)
        )
        return "\n".join([*requests, *self.sent_frames])

    def check(self) -> None:
        """Fail if anything went to another host, or if the console complained of anything."""
        assert self.hosts == {urlsplit(self.server.url).netloc}, f"requests went to {self.hosts}"
        unexpected = [text for text in self.problems if not any(known.search(text) for known in self._allowed)]
        assert not unexpected, f"the browser complained: {unexpected}"

    def _on_request(self, request: Request) -> None:
        self.requests.append(request)
        self._note_host(request.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.problems.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _on_page(self, page: Page) -> None:
        page.on("websocket", self._on_websocket)

    def _on_websocket(self, websocket: WebSocket) -> None:
        self._note_host(websocket.url)
        websocket.on("framesent", lambda frame: self.sent_frames.append(_text(frame)))

    def _note_host(self, url: str) -> None:
        if urlsplit(url).scheme in ("http", "https", "ws", "wss"):
            self.hosts.add(urlsplit(url).netloc)


OpenVisitor = Callable[..., Visitor]
"""Opens a visitor on a server; the keywords are Playwright's for a browser context."""


class Tab:
    """The page in one tab, in the words of its user."""

    def __init__(self, visitor: Visitor, page: Page) -> None:
        self.visitor = visitor
        self.page = page
        self.leaving_was_questioned = False
        self._devtools: CDPSession | None = None
        page.on("dialog", self._on_dialog)
        # From the start: Playwright begins to intercept file choosers only a moment after the first one who asks.
        page.on("filechooser", lambda _chooser: None)

    # --- the page ----------------------------------------------------------------------------------------------

    def goto(self) -> None:
        """Go to the page and return when it shows the jobs."""
        self.page.goto(f"{self.visitor.server.url}/")
        self.expect_ready()

    def reload(self) -> None:
        """Reload the page and return when it shows the jobs."""
        self.page.reload()
        self.expect_ready()

    def close(self) -> None:
        """Close the tab."""
        self.page.close()

    def leave(self) -> None:
        """Go to an empty page.

        Unlike closing, this keeps `limit_upload`: a tab that closes loses the limit a moment before it stops sending,
        and the rest of a file may be sent in that moment.
        """
        self.page.goto("about:blank")

    def expect_ready(self) -> None:
        """Wait until the page shows the owner's jobs, or the invitation."""
        expect(self.table.or_(self.page.get_by_text("No videos yet"))).to_be_visible(timeout=PATIENCE_MS)

    def _on_dialog(self, dialog: Any) -> None:
        self.leaving_was_questioned |= dialog.type == "beforeunload"
        dialog.accept()

    @property
    def devtools(self) -> CDPSession:
        """Chromium's own protocol, for what Playwright has no word for."""
        if self._devtools is None:
            self._devtools = self.page.context.new_cdp_session(self.page)
        return self._devtools

    def limit_upload(self, bytes_per_s: int) -> None:
        """Make the connection as slow as this for whatever is sent; -1 takes the limit away."""
        self.devtools.send("Network.enable")
        self.devtools.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_s},
        )

    # --- files and the dialog ----------------------------------------------------------------------------------

    def drop(self, *files: Path) -> None:
        """Drag files from the desktop onto the page and let them go."""
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.devtools.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": data})

    def browse(self, *files: Path) -> None:
        """Choose files with «Browse files»."""
        with self.page.expect_file_chooser() as chooser:
            self.page.get_by_role("button", name="Browse files").click()
        chooser.value.set_files(files)

    @property
    def dialog(self) -> Locator:
        """The dialog between choosing and sending."""
        return self.page.get_by_role("dialog", name="Confirm conversion")

    def choose(self, *, resolution: str | None = None, quality: str | None = None) -> None:
        """Choose in the dialog, as a mouse does."""
        expect(self.dialog).to_be_visible()
        for choice in (resolution, quality):
            if choice is not None:
                self.choice(choice).check()

    def choice(self, name: str) -> Locator:
        """The radio button of a resolution or a quality."""
        return self.dialog.get_by_role("radio", name=name, exact=True)

    def settings_button(self, name: str) -> Locator:
        """The button in the dialog that shows or hides a file's own settings."""
        return self.dialog.get_by_role("button", name=f"Settings for {name}", exact=True)

    def own(self, name: str, setting: str) -> Locator:
        """The select of a file's own resolution or quality."""
        group = self.dialog.get_by_role("group", name=f"Settings for {name}", exact=True)
        return group.get_by_role("combobox", name=setting, exact=True)

    def confirm(self, *, resolution: str | None = None, quality: str | None = None) -> None:
        """Choose and confirm."""
        self.choose(resolution=resolution, quality=quality)
        self.dialog.get_by_role("button", name="Confirm & Convert").click()
        expect(self.dialog).to_be_hidden()

    # --- jobs --------------------------------------------------------------------------------------------------

    @property
    def table(self) -> Locator:
        """The jobs."""
        return self.page.get_by_role("table", name="Jobs")

    @property
    def rows(self) -> Locator:
        """The rows of all jobs on view."""
        return self.table.locator("[data-job-id]")

    def row(self, name: str) -> Locator:
        """The row of the job with this file name."""
        return self.rows.filter(has=self.page.get_by_text(name, exact=True))

    def job_id(self, name: str) -> str:
        """Return the id of the job with this file name."""
        job_id = self.row(name).get_attribute("data-job-id")
        assert job_id
        return job_id

    def expect_state(self, name: str, state: str, *, timeout_ms: float = PATIENCE_MS) -> None:
        """Wait until the row is in that state, and says so in words."""
        row = self.row(name).and_(self.page.locator(f'[data-state="{state}"]'))
        expect(row.get_by_text(WORDS[state], exact=True)).to_be_visible(timeout=timeout_ms)

    def expect_complete(self, name: str) -> None:
        """Wait until the conversion is complete."""
        self.expect_state(name, "completed", timeout_ms=CONVERSION_MS)

    def expect_picture(self, name: str) -> None:
        """Wait until the row, when it is looked at, shows a picture of the result, and not what stands for one."""
        self.row(name).scroll_into_view_if_needed()
        self.page.wait_for_function(
            "id => document.querySelector(`[data-job-id='${id}'] img`)?.naturalWidth > 0",
            arg=self.job_id(name),
            timeout=PATIENCE_MS,
        )

    def expect_begun(self, name: str) -> None:
        """Wait until the job is converted, or is complete already, as a short clip can be before anybody looks."""
        expect(self.row(name)).to_have_attribute("data-state", re.compile("^(running|completed)$"))

    def expect_progress(self, name: str, *, at_least: int = 1) -> None:
        """Wait until the row's progress has come that far, in percent, or the job is complete."""
        self.page.wait_for_function(
            """([id, least]) => {
                const row = document.querySelector(`[data-job-id="${id}"]`);
                const bar = row?.querySelector('[role=progressbar]');
                return row?.dataset.state === 'completed' || Number(bar?.getAttribute('aria-valuenow')) >= least;
            }""",
            arg=[self.job_id(name), at_least],
            timeout=CONVERSION_MS,
        )

    def act(self, action: str, name: str) -> None:
        """Press the button with this action's name in the job's row."""
        self.page.get_by_role("button", name=f"{action} {name}", exact=True).click()

    def expect_gone(self, name: str) -> None:
        """Wait until the row is gone."""
        expect(self.row(name)).to_have_count(0)

    def download(self, name: str, folder: Path) -> Path:
        """Download the result by its link and return where it is, under the name that the browser was told."""
        with self.page.expect_download() as started:
            self.row(name).get_by_role("link", name="Download").click()
        download: Download = started.value
        target = folder / download.suggested_filename
        download.save_as(target)
        return target

    def expect_announced(self, text: str) -> None:
        """Wait until a screen reader was told this, at any time since the page was loaded."""
        self.page.wait_for_function("text => window.announced?.some(said => said.includes(text))", arg=text)

    def expect_notice(self, text: str) -> None:
        """Wait until a notice has said this, at any time since the page was loaded: notices go away by themselves."""
        self.page.wait_for_function("text => window.notices?.some(said => said.includes(text))", arg=text)

    def expect_title(self, pattern: str) -> None:
        """Wait until the page's title was like this, at any time since the page was loaded."""
        self.page.wait_for_function(
            "pattern => window.titles?.some(title => new RegExp(pattern).test(title))",
            arg=pattern,
            timeout=CONVERSION_MS,
        )

    # --- the keyboard ------------------------------------------------------------------------------------------

    def tab_to(self, target: Locator) -> None:
        """Press Tab until the target has the focus."""
        for _ in range(60):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never reaches {target}")


# --- what pages note of themselves for tests ------------------------------------------------------------------------

NOTE_WHAT_IS_SAID = """
window.announced = [];
window.notices = [];
window.titles = [];
const note = (list, text) => {
    if (text && list.at(-1) !== text) list.push(text);
};
const noteAnnouncements = () => {
    document.querySelectorAll('[role=status]').forEach(region => note(window.announced, region.textContent.trim()));
    document.querySelectorAll('[data-sonner-toast]').forEach(notice => note(window.notices, notice.textContent.trim()));
    note(window.titles, document.title);
};
new MutationObserver(noteAnnouncements).observe(document, {subtree: true, childList: true, characterData: true});
"""

NOTE_ROWS = """
window.seenRows = [];
const lastSeen = {};
const noteRows = () => document.querySelectorAll('[data-job-id]').forEach(row => {
    const bar = row.querySelector('[role=progressbar]');
    const percent = bar ? Number(bar.getAttribute('aria-valuenow')) : null;
    const now = [row.dataset.jobId, row.dataset.state, percent];
    if (lastSeen[row.dataset.jobId] === String(now)) return;
    lastSeen[row.dataset.jobId] = String(now);
    window.seenRows.push(now);
});
new MutationObserver(noteRows).observe(
    document, {subtree: true, childList: true, attributes: true, attributeFilter: ['aria-valuenow', 'data-state']});
"""

NOTE_MOTION = """
window.motion = [];
const noteMotion = () => {
    for (const animation of document.getAnimations()) {
        if (animation.playState === 'running') {
            const what = animation.animationName ?? animation.transitionProperty;
            window.motion.push(`${what} of ${animation.effect?.target?.outerHTML.slice(0, 200)}`);
        }
    }
    requestAnimationFrame(noteMotion);
};
requestAnimationFrame(noteMotion);
"""

NOTE_UPLOADED_BYTES = """
const send = XMLHttpRequest.prototype.send;
let uploads = 0;
XMLHttpRequest.prototype.send = function (body) {
    if (body instanceof Blob) {
        const upload = `${performance.timeOrigin}-${++uploads}`;
        this.upload.addEventListener('progress', event => window.noteUploadedBytes(upload, event.loaded));
    }
    return send.call(this, body);
};
"""


def _text(frame: str | bytes) -> str:
    return frame if isinstance(frame, str) else frame.decode(errors="replace")


def _body(request: Request) -> str:
    body = request.post_data_buffer
    return body.decode(errors="replace") if body else ""
