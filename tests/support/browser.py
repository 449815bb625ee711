"""Drives a headless Chromium through its DevTools protocol over a pipe: no port, no package."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

PROGRAM = shutil.which("chromium") or shutil.which("google-chrome")
_LOCAL = ("file:", "data:", "blob:", "about:")


class Browser:
    """One page. `problems`: what went to its console as an error, and what it asked of a network."""

    def __init__(self, width=1200, height=900, dark=False):
        self._profile = tempfile.mkdtemp()
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()

        def arrange():
            # The protocol's descriptors are 3 and 4.
            for fd, place in ((os.dup(theirs_in), 3), (os.dup(theirs_out), 4)):
                os.dup2(fd, place)

        command = [PROGRAM, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
                   "--no-first-run", f"--user-data-dir={self._profile}", f"--window-size={width},{height}",
                   "about:blank"]
        quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        self._process = subprocess.Popen(command, preexec_fn=arrange, close_fds=False, start_new_session=True, **quiet)
        os.close(theirs_in)
        os.close(theirs_out)
        self._rest, self._ids, self.problems, self.requests = b"", 0, [], []
        target = next(each for each in self._call("Target.getTargets")["targetInfos"] if each["type"] == "page")
        self._session = None
        self._session = self._call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                   mobile=width < 600)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._call("Emulation.setEmulatedMedia", features=scheme)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._to)
        os.close(self._from)
        shutil.rmtree(self._profile, ignore_errors=True)

    def open(self, path, place=""):
        self._call("Page.navigate", url=f"file://{path}{place}")
        self.wait("document.readyState === 'complete'")

    def do(self, script):
        """The value of an expression, or of a promise."""
        answer = self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise AssertionError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def wait(self, condition, timeout=60):
        end = time.monotonic() + timeout
        while not self.do(condition):
            assert time.monotonic() < end, f"never true: {condition}"
            time.sleep(0.05)

    def press(self, key, code=None, text=None):
        keys = {"key": key, "code": code or key, **({"text": text} if text else {})}
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39, "/": 191}
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, windowsVirtualKeyCode=codes.get(key, 0), **keys)

    def type(self, text):
        self._call("Input.insertText", text=text)

    def picture(self, path):
        import base64

        with open(path, "wb") as file:
            file.write(base64.b64decode(self._call("Page.captureScreenshot")["data"]))

    def _call(self, method, **params):
        self._ids += 1
        message = {"id": self._ids, "method": method, "params": params}
        if getattr(self, "_session", None):
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data):]
        while True:
            answer = self._next()
            if answer.get("id") == self._ids:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self._note(answer.get("method"), answer.get("params", {}))

    def _next(self):
        while b"\0" not in self._rest:
            part = os.read(self._from, 1 << 20)
            assert part, "the browser has ended"
            self._rest += part
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def _note(self, event, params):
        if event == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description") or details["text"])
        elif event == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert", "warning"):
            self.problems.append("console: " + " ".join(str(arg.get("value")) for arg in params["args"]))
        elif event == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.problems.append("log: " + params["entry"]["text"])
        elif event == "Network.requestWillBeSent" and not params["request"]["url"].startswith(_LOCAL):
            self.problems.append("request: " + params["request"]["url"])
