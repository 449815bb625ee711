"""What a disk may hold after a power cut, by the system calls of a run: a model, without a real disk.

strace records what a program and its children do to the files below a folder. At any moment the disk surely holds
what was synced. Of what came later it may hold, for each file by itself, any beginning of its writes; a file may have
its size before its data (zeros); of the names it may hold any beginning of their changes. at_cut() draws one such
state.

Simplifications: write() appends; changes of names reach the disk in their order (as with a journal of the file system).
"""
import os
import re
from pathlib import Path

CALLS = ("openat,creat,write,pwrite64,ftruncate,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,"
         "link,linkat,fsync,fdatasync,syncfs,sync")
_LINE = re.compile(r"(\d+) +(?:<\.\.\. (\w+) resumed>)?(.*)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"|<((?:\\x[0-9a-f]{2})+)>')


def command(trace, argv):
    options = ["-f", "-y", "-qq", "-xx", "-s", "1000000", "-e", f"trace={CALLS}"]
    return ["strace", *options, "-o", str(trace), *map(str, argv)]


def _bytes(text):
    return bytes.fromhex(text.replace("\\x", ""))


class _File:
    """Its writes: (number of the call, offset or None for a new size, data or size)."""

    def __init__(self, content=b""):
        self.base, self.changes, self.size, self.synced = content, [], len(content), -1

    def content(self, upto):
        data = bytearray(self.base)
        for number, offset, value in self.changes:
            if number > upto:
                break
            if offset is None:
                data = data[:value].ljust(value, b"\0")
            else:
                data = data.ljust(offset, b"\0")
                data[offset:offset + len(value)] = value
        return bytes(data)


class Trace:
    def __init__(self, folder, before, trace):
        """FOLDER as it was BEFORE the run: {relative path: content, or None for a folder}. TRACE: strace's file."""
        self.folder = str(folder)
        self.files = []  # all that there ever were
        self.names = {}  # now: path -> file, or None for a folder
        self.first_names = {}
        self.name_changes = []  # (number of the call, {path: file or None}, [paths that go])
        self.names_synced = []  # (number of the call that ended, number up to which the names are on the disk)
        self.syncs = []  # (number of the call that ended, file, number up to which it is on the disk)
        for path, content in before.items():
            self.names[path] = None if content is None else self._new_file(content)
        self.first_names = dict(self.names)
        self.calls = self._read(trace)

    def _new_file(self, content=b""):
        self.files.append(_File(content))
        return self.files[-1]

    def _read(self, trace):
        begun = {}  # by process: the beginning of a call that was interrupted by others, and when it began
        number = 0
        for number, line in enumerate(Path(trace).read_text().splitlines()):
            process, resumed, text = _LINE.match(line).groups()
            since = number
            if resumed:
                head, since = begun.pop(process, ("", number))
                text = head + text
            elif text.endswith("<unfinished ...>"):
                begun[process] = text[:-len("<unfinished ...>")], number
                continue
            call = re.match(r"(\w+)\((.*)\) += (-?\d+)", text)
            if call and int(call[3]) >= 0:
                self._apply(number, since, call[1], call[2])
        return number + 1

    def _path(self, text, folder=None):
        """The path below the folder; None for others."""
        path = os.path.normpath(os.path.join(folder or self.folder, os.fsdecode(_bytes(text))))
        return os.path.relpath(path, self.folder) if path == self.folder or path.startswith(self.folder + "/") else None

    def _apply(self, number, since, name, arguments):
        found = _TEXT.findall(arguments)
        texts = [text for text, fd in found if not fd]
        fds = [fd for text, fd in found if fd]
        if name in ("openat", "creat") and texts:
            self._open(number, self._path(texts[0], fds and os.fsdecode(_bytes(fds[0]))), arguments)
        elif name in ("write", "pwrite64", "ftruncate") and fds and "(deleted)" not in arguments:
            self._write(number, name, self.names.get(self._path(fds[0])), texts, arguments)
        elif name.startswith("rename") and len(texts) == 2:
            old, new = map(self._path, texts)
            if old in self.names and new:
                self._change_names(number, old, new, {new: self.names[old]}, [old])
        elif name in ("link", "linkat") and len(texts) == 2:
            old, new = map(self._path, texts)
            if old in self.names and new:
                self._change_names(number, old, new, {new: self.names[old]}, [])
        elif name in ("unlink", "unlinkat", "rmdir") and texts:
            path = self._path(texts[0], fds and os.fsdecode(_bytes(fds[0])))
            if path in self.names:
                self._change_names(number, path, path, {}, [path])
        elif name in ("mkdir", "mkdirat") and texts:
            path = self._path(texts[0], fds and os.fsdecode(_bytes(fds[0])))
            if path and path not in self.names:
                self._change_names(number, path, path, {path: None}, [])
        elif name in ("syncfs", "sync"):
            self.names_synced.append((number, since))
            self.syncs += [(number, file, since) for file in self.files]
        elif name in ("fsync", "fdatasync") and fds:
            path = self._path(fds[0])
            if path == "." or self.names.get(path, 0) is None:
                self.names_synced.append((number, since))
            elif path in self.names:
                self.syncs.append((number, self.names[path], since))

    def _open(self, number, path, arguments):
        if path is None or path == ".":
            return
        if path not in self.names and "O_CREAT" in arguments:
            self._change_names(number, path, path, {path: self._new_file()}, [])
        elif "O_TRUNC" in arguments and self.names.get(path):
            self._write(number, "ftruncate", self.names[path], [], "0, 0")

    def _write(self, number, name, file, texts, arguments):
        if file is None:
            return
        if name == "ftruncate":
            file.size = int(arguments.rsplit(",", 1)[1])
            file.changes.append((number, None, file.size))
            return
        data = _bytes(texts[0])
        offset = int(arguments.rsplit(",", 1)[1]) if name == "pwrite64" else file.size
        file.changes.append((number, offset, data))
        file.size = max(file.size, offset + len(data))

    def _change_names(self, number, old, new, made, gone):
        for path in [p for p in self.names if any(p.startswith(g + "/") for g in gone)]:  # a folder with all in it
            if old != new:
                made[new + path[len(old):]] = self.names[path]
            gone.append(path)
        self.name_changes.append((number, made, gone))
        for path in gone:
            self.names.pop(path, None)
        self.names.update(made)

    def at_end(self):
        """The same without a cut: what the run has left."""
        return {path: file and file.content(self.calls) for path, file in self.names.items()}

    def at_cut(self, moment, draw):
        """{relative path: content, or None for a folder}: one of the states that a cut after call MOMENT may leave."""
        synced = {}
        for number, file, since in self.syncs:
            if number <= moment:
                synced[file] = max(synced.get(file, -1), since)
        sure = max([since for number, since in self.names_synced if number <= moment], default=-1)
        upto = draw.choice([sure, moment, draw.randint(min(sure, moment), moment)])
        names = dict(self.first_names)
        for number, made, gone in self.name_changes:
            if number <= max(upto, sure) and number <= moment:
                for path in gone:
                    names.pop(path, None)
                names.update(made)
        return {path: file and self._content(file, synced.get(file, -1), moment, draw) for path, file in names.items()}

    @staticmethod
    def _content(file, sure, moment, draw):
        upto = draw.choice([sure, moment, draw.randint(min(sure, moment), moment)])
        kept, whole = file.content(max(upto, min(sure, moment))), file.content(moment)
        if len(kept) < len(whole) and draw.random() < 0.3:
            return kept.ljust(len(whole), b"\0")
        return kept


def snapshot(folder):
    folder = Path(folder)
    return {str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
            for path in sorted(folder.rglob("*")) if not path.is_symlink() and (path.is_dir() or path.is_file())}


def lay_out(state, folder, times):
    """Makes the files of a state. TIMES: of files whose size is the final one, {relative path: (size, time in ns)}."""
    folder = Path(folder)
    for path in sorted(path for path, content in state.items() if content is None):
        (folder / path).mkdir(parents=True, exist_ok=True)
    for path, content in state.items():
        if content is None or not (folder / path).parent.is_dir():
            continue
        (folder / path).write_bytes(content)
        size, time = times.get(path, (None, None))
        if size == len(content):
            os.utime(folder / path, ns=(time, time))
