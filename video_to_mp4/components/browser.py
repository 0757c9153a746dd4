"""The bridge to the page's own code in the browser (the files in assets/)."""

from __future__ import annotations

import json
from typing import Any

import reflex as rx
from reflex_base.vars import VarData
from reflex_base.vars.base import Var
from reflex_components_core.core.upload import get_upload_files_context_var_data

from video_to_mp4.states.app_state import view

UPLOAD_ID = "videos"

_UPLOADS = "$/public/uploads.js"
_CHOSEN_FILES = "$/public/chosen_files.js"
_PAGE = "$/public/page.js"
_SELECTION = "$/public/selection.js"


class BrowserCode(rx.Fragment):
    """Mounts what the page does in the browser alone: keys, focus, and taking over dropped files."""

    # The upload client loads it on demand.
    lib_dependencies: list[str] = ["tus-js-client@4.3.1"]

    def add_imports(self) -> dict[str, Any]:
        """Import the hooks."""
        return {_UPLOADS: "useDrops", _PAGE: "usePage"}

    def add_hooks(self) -> list[Any]:
        """Call the hooks."""
        drops: Any = Var(f'useDrops(filesById["{UPLOAD_ID}"])', _var_data=get_upload_files_context_var_data())
        return ["usePage();", drops]


class JobsKnown(rx.Fragment):
    """Lays the page out for jobs below the drop zone, or for none, as soon as the server has said which."""

    def add_imports(self) -> dict[str, Any]:
        """Import the hook."""
        return {_PAGE: "useJobsKnown"}

    def add_hooks(self) -> list[Any]:
        """Call the hook."""
        has_jobs = rx.cond(view.is_ready, view.counts["all"] > 0, None)
        return [Var(f"useJobsKnown({has_jobs!s})", _var_data=has_jobs._get_all_var_data())]


class SelectionKept(rx.Fragment):
    """Has the selection of jobs forget those that are not on view any more."""

    def add_imports(self) -> dict[str, Any]:
        """Import the hook."""
        return {_SELECTION: "useForgetting"}

    def add_hooks(self) -> list[Any]:
        """Call the hook."""
        on_view = rx.cond(view.is_ready, view.jobs, None)
        return [Var(f"useForgetting({on_view!s})", _var_data=on_view._get_all_var_data())]


def _js(expression: str, of_type: Any, imports: dict[str, str], hook: str = "") -> Any:
    hooks = {hook: None} if hook else {}
    return Var(expression, _var_type=of_type, _var_data=VarData(imports=imports, hooks=hooks)).guess_type()


def chosen_files() -> Any:
    """Return what waits for «Confirm»: by file its id, name, size, and what it has for itself."""
    hook = "const chosenFiles = useChosenFiles();"
    return _js("chosenFiles", list[dict[str, str]], {_CHOSEN_FILES: "useChosenFiles"}, hook)


def take_files() -> Any:
    """Return a call that takes all files out of the dialog."""
    return _js("takeFiles()", dict, {_CHOSEN_FILES: "takeFiles"})


def remove_file(file_id: Any) -> Any:
    """Return the handler of the button that takes a file out of the dialog."""
    return _js(f"((event) => removeFile({file_id}, event))", dict, {_CHOSEN_FILES: "removeFile"})


def fold_file(file_id: Any) -> Any:
    """Return the handler of the button that shows or hides a file's own settings."""
    return _js(f"(() => foldFile({file_id}))", dict, {_CHOSEN_FILES: "foldFile"})


def set_own(file_id: Any, setting: str) -> Any:
    """Return the handler of a select in which a file gets a setting of its own."""
    call = f"setOwn({file_id}, {setting!r}, event.target.value)"
    return _js(f"((event) => {call})", dict, {_CHOSEN_FILES: "setOwn"})


def reveal() -> Any:
    """Return what scrolls the element to which it is given as `ref` into view."""
    return _js("reveal", dict, {_CHOSEN_FILES: "reveal"})


def own_text(file: Any) -> Any:
    """Write what a file has for itself."""
    return _js(f"ownText({file})", str, {_CHOSEN_FILES: "ownText"})


def own_count(files: Any) -> Any:
    """Count the files that have something for themselves."""
    return _js(f"ownCount({files})", int, {_CHOSEN_FILES: "ownCount"})


def sending() -> Any:
    """Return what this browser sends: by job id «waiting», «sending», «sent» or «stopped»; by «*», of any other job."""
    return _js("sending", dict[str, str], {_UPLOADS: "useUploads"}, "const sending = useUploads();")


def size_text(size_bytes: Any) -> Any:
    """Write a size that only the browser knows."""
    return _js(f"sizeText({size_bytes})", str, {_UPLOADS: "sizeText"})


def total_size_text(files: Any) -> Any:
    """Write the size of all the files together."""
    return _js(f"sizeText({files}.reduce((sum, file) => sum + file.size, 0))", str, {_UPLOADS: "sizeText"})


def refusal_text(rejected: Any, limit_text: Any, accepted: str) -> Any:
    """Name each refused file and say why; where it was for its type, which types are accepted."""
    return _js(f"refusalText({rejected}, {limit_text}, {json.dumps(accepted)})", str, {_UPLOADS: "refusalText"})


def upload_call(call: str) -> Any:
    """Return a call of the upload client, for instance «browse()»."""
    return _js(f"uploads.{call}", dict, {_UPLOADS: "uploads"})


def local_time(iso: Any) -> Any:
    """Write a time in the reader's language and time zone."""
    return _js(f"localTime({iso})", str, {_PAGE: "localTime"})


def number_text(number: Any) -> Any:
    """Write a number with the reader's own separators."""
    return _js(f"numberText({number})", str, {_PAGE: "numberText"})


def full_time(iso: Any) -> Any:
    """Write a time in full, in the reader's language and time zone."""
    return _js(f"fullTime({iso})", str, {_PAGE: "fullTime"})


def thumbnail_url(job_id: Any) -> Any:
    """Return where the picture of a job's result is."""
    return _js(f"thumbnailUrl({job_id})", str, {_PAGE: "thumbnailUrl"})


def show_when_seen() -> Any:
    """Return what, given to an image as `ref`, fetches its `data-src` when it comes into sight."""
    return _js("showWhenSeen", dict, {_PAGE: "showWhenSeen"})


def copy_text(text: Any, element_id: Any) -> Any:
    """Copy a text that the element with this id shows."""
    return rx.call_function(_js(f"(() => copyText({text}, {element_id}))", dict, {_PAGE: "copyText"}))


def selected() -> Any:
    """Return which jobs are selected: true by job id."""
    return _js("selected", dict[str, bool], {_SELECTION: "useSelected"}, "const selected = useSelected();")


def chosen(action: str = "") -> Any:
    """Return the ids of the selected jobs with which this can be done; of all of them without `action`."""
    return _js(f"chosen({view.jobs}, {selected()}, {action!r})", list[str], {_SELECTION: "chosen"})


def pick(job_id: Any) -> Any:
    """Return the handler of a job's checkbox."""
    return _js(f"((event) => pick({job_id}, event))", dict, {_SELECTION: "pick"})


def pick_all() -> Any:
    """Return the handler of the checkbox above the jobs."""
    return _js("pickAll", dict, {_SELECTION: "pickAll"})


def show_mixed(is_mixed: Any) -> Any:
    """Return what makes a checkbox show «some of them»."""
    return _js(f"((checkbox) => showMixed(checkbox, {is_mixed}))", dict, {_SELECTION: "showMixed"})


def unselect() -> Any:
    """Return a handler that selects nothing."""
    return _js("unselect", dict, {_SELECTION: "unselect"})


def ask(job_ids: Any) -> Any:
    """Return a handler that remembers what a dialog asks about."""
    return _js(f"(() => ask({job_ids}))", dict, {_SELECTION: "ask"})


def asked() -> Any:
    """Return the ids of the jobs that the dialog asks about, as they were when it was opened."""
    return _js("asked", list[str], {_SELECTION: "useAsked"}, "const asked = useAsked();")


def download_all(job_ids: Any) -> Any:
    """Return a handler that downloads the results of these jobs."""
    return _js(f"(() => downloadAll({job_ids}))", dict, {_SELECTION: "downloadAll"})
