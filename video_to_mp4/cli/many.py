"""The command that converts files and folders, as one batch of the server."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from video_to_mp4.cli.batch import Rules, batch_name, plan
from video_to_mp4.cli.client import Client
from video_to_mp4.cli.left_out import LeftOutFiles
from video_to_mp4.cli.library.holding import asked
from video_to_mp4.cli.outcome import FINISHED, outcomes, sum_up
from video_to_mp4.cli.places import check_source, is_folder
from video_to_mp4.cli.plain import say
from video_to_mp4.cli.showing import board_for
from video_to_mp4.cli.speaking import Speaking
from video_to_mp4.cli.together import Batch
from video_to_mp4.cli.wish import Wish

_INTERRUPTED = 130


def convert_many(inputs: Sequence[Path], wish: Wish, rules: Rules, speaking: Speaking) -> int:
    """Convert files and folders; return the exit code: 0 when all are done, else 1, or 3 for a lost server.

    Ctrl-C aborts the batch and then asks, where somebody can answer, whether what was finished is to be undone too.
    """
    for given in inputs:
        if not is_folder(given):
            check_source(given)
    run = _Run(inputs, wish, rules, speaking)
    code = speaking.run(run.work, run.board.note)
    if code == _INTERRUPTED:
        run.perhaps_roll_back()
    return code


class _Run:
    def __init__(self, inputs: Sequence[Path], wish: Wish, rules: Rules, speaking: Speaking) -> None:
        self.board = board_for(as_json=speaking.as_json)
        self._inputs = inputs
        self._wish = wish
        self._rules = rules
        self._speaking = speaking
        self._batch: Batch | None = None
        self._left_out = LeftOutFiles()
        self._began_s = time.monotonic()
        self._elapsed_s: float | None = None

    async def work(self, client: Client) -> int:
        """Convert, tell what became of it and return the exit code."""
        rules = self._rules
        extensions = (await client.capabilities()).input_extensions
        orders = plan(self._inputs, self._wish, rules, extensions, self._left_out)
        name = batch_name(self._inputs)
        batch = self._batch = Batch(name, orders, self.board, skip_existing=rules.skip_existing)
        try:
            with self.board:
                await batch.run(client, at_a_time=rules.at_a_time, rollback_on_abort=rules.rollback_on_abort)
        finally:
            self._sum_up(batch)
        if batch.lost is not None:
            raise batch.lost
        return 1 if batch.has_failures else 0

    def perhaps_roll_back(self) -> None:
        """Ask whether what an aborted batch has finished is to be undone; without an answer it is kept."""
        batch = self._batch
        if batch is None or self._speaking.as_json:
            return
        finished = sum(outcome.what in FINISHED for outcome in outcomes(batch.files, batch.items))
        question = f"Stopped: {finished} of {len(batch.files)} finished. Roll back what is finished? [y/N] "
        if not finished or not asked(question):
            return

        async def roll_back(client: Client) -> int:
            await batch.roll_back(client)
            return 0

        if self._speaking.run(roll_back) == 0:
            self._sum_up(batch)
        else:
            say(f"It may not be rolled back. Later: video-to-mp4 batches rollback {batch.id}")

    def _sum_up(self, batch: Batch) -> None:
        if self._elapsed_s is None:  # the time for an answer to the question is none of it
            self._elapsed_s = time.monotonic() - self._began_s
        sum_up(batch, self._left_out, self._elapsed_s, as_json=self._speaking.as_json)
