"""A web server on this machine, with answers that a test chooses."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class WebServer:
    """`files` are the contents by path. `faults` are, by path, a status, or "half" for a body that breaks off."""

    def __init__(self):
        self.files, self.faults, self.asked = {}, {}, []
        self.answered = []  # the statuses of the answers
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"web": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = "http://127.0.0.1:%d" % self._server.server_address[1]

    def stop(self):
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802
        self.web.asked.append((self.path, self.headers.get("Authorization")))
        data = self.web.files.get(self.path)
        data = data.encode() if isinstance(data, str) else data
        fault = self.web.faults.get(self.path)
        if fault in (None, "half") and data is None:
            fault = 404
        tag = '"%d"' % hash(data)
        if fault is None and self.headers.get("If-None-Match") == tag:
            fault = 304
        self.send_response(fault if isinstance(fault, int) else 200)
        self.web.answered.append(fault or 200)
        if isinstance(fault, int):
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.send_header("ETag", tag)
        self.send_header("Last-Modified", "Tue, 01 Nov 2022 10:00:00 GMT")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if fault == "half" else data)

    def log_message(self, *ignored):
        pass
