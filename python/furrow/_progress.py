"""A progress bar for maps: in a terminal that of the C++ pool, in a notebook one of HTML."""

import sys
import threading
import time

from furrow import _furrow

_BETWEEN_S = 0.1


def in_notebook():
    """Whether output goes to a notebook."""
    shell = sys.modules.get("IPython")
    shell = shell.get_ipython() if shell else None
    return shell is not None and hasattr(shell, "kernel")


def reporter(wanted):
    """What progress= asks for: (whether the C++ pool draws its bar, a function to call or None)."""
    if not wanted:
        return False, None
    if callable(wanted):
        return False, wanted
    if wanted == "tqdm":
        return False, TqdmBar()
    if wanted == "rich":
        return False, RichBar()
    if in_notebook():
        return False, NotebookBar()
    return True, None


class NotebookBar:
    def __init__(self):
        from IPython.display import display

        self._shown = display({"text/plain": ""}, raw=True, display_id=True)

    def __call__(self, done, failed, total, elapsed):
        over = done + failed
        text = f"{over} of {total}" if total else str(over)
        text += f", {failed} failed" if failed else ""
        text += f", {elapsed:.1f} s"
        if over and elapsed > 0:
            text += f", {over / elapsed:.3g}/s"
            if over < total:
                text += f", {elapsed * (total - over) / over:.0f} s left"
        html = f'<progress value="{over}" max="{total or over}"></progress> {text}'
        self._shown.update({"text/plain": text, "text/html": html}, raw=True)


class TqdmBar:
    """A bar of the package tqdm, where that is installed: in a notebook it is one of tqdm.notebook."""

    def __init__(self):
        from tqdm.auto import tqdm

        self._made = tqdm
        self._bar = None

    def __call__(self, done, failed, total, elapsed):
        if self._bar is None:
            self._bar = self._made(total=total or None, unit="task")
        self._bar.update(done + failed - self._bar.n)
        if failed:
            self._bar.set_postfix(failed=failed, refresh=False)
        if total and done + failed == total:  # 0: not known
            self._bar.close()


class RichBar:
    """A bar of the package rich, where that is installed. A terminal has one display of rich at a time, so the bars of
    maps that run at the same time are in one display, which ends with the last of them."""

    _lock = threading.RLock()  # the collector may end a bar while another one begins
    _display = None
    _bars = 0

    def __init__(self):
        self._task = None
        self._closed = False
        from rich import errors, progress

        self._rich = progress
        self._refused = errors.LiveError

    def __call__(self, done, failed, total, elapsed):
        if self._task is None and not self._closed:
            self._open(total)
        if self._closed:
            return
        self._display.update(self._task, completed=done + failed, description=f"{failed} failed" if failed else "")
        if total and done + failed == total:  # 0: not known
            self._close()

    def _open(self, total):
        kind = RichBar
        with kind._lock:
            kind._bars += 1
            try:
                if kind._display is None:
                    kind._display = self._started()
                self._task = kind._display.add_task("", total=total or None)
            except self._refused:  # the program has a display of its own
                kind._bars -= 1
                self._closed = True

    def _started(self):
        rich = self._rich
        display = rich.Progress("{task.description}", rich.BarColumn(), rich.MofNCompleteColumn(),
                                rich.TaskProgressColumn("", show_speed=True),
                                rich.TimeRemainingColumn(elapsed_when_finished=True))
        display.start()
        return display

    def _close(self):
        kind = RichBar
        with kind._lock:
            if self._closed or self._task is None:
                return
            self._closed = True
            kind._bars -= 1
            if kind._bars == 0:
                display, kind._display = kind._display, None
                display.stop()

    def __del__(self):  # the map has ended early
        self._close()


class StreamProgress:
    """The progress of an imap, updated whenever a result is taken."""

    def __init__(self, wanted, pending, total):
        bar, self._callback = reporter(wanted)
        self._bar = _furrow.ProgressBar() if bar else None
        self._pending = pending
        self._total = total
        self._began = self._reported = time.monotonic()

    def tick(self):
        now = time.monotonic()
        if now - self._reported >= _BETWEEN_S:
            self._reported = now
            self._report(now)

    def _report(self, now):
        failed = self._pending.failed
        update = self._pending.done - failed, failed, self._total, now - self._began
        if self._bar:
            self._bar.draw(*update)
        elif self._callback:
            self._callback(*update)

    def finish(self):
        if self._bar:
            self._bar.erase()
        elif self._callback:
            self._report(time.monotonic())
        self._bar = self._callback = None
