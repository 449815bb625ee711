"""from_queue(...): inputs that a queue of the Snakefile yields while the workflow runs."""

from .errors import WorkflowError


class QueueInput:
    """The input function of a rule with from_queue(...). It returns all items so far; more come until the sentinel."""

    def __init__(self, queue, finish_sentinel):
        self._queue = queue
        self._finish_sentinel = finish_sentinel
        self._items = []
        self.is_open = True

    def has_news(self):
        return self.is_open and not self._queue.empty()

    def __call__(self, wildcards):
        if wildcards:
            raise WorkflowError("from_queue(...) is not possible in a rule with wildcards: all its jobs would share it")
        self._take()
        return list(self._items)

    def _take(self):
        from queue import Empty

        while self.is_open:
            try:
                item = self._queue.get_nowait()
            except Empty:
                return
            if hasattr(self._queue, "task_done"):
                self._queue.task_done()
            if item is self._finish_sentinel:
                self.is_open = False
            else:
                self._items.append(item)
