"""A Prometheus that answers what the test wants the two arms to have been like."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_QUERY = re.compile(r'(?P<what>failures|requests)\{service="(?P<arm>[^"]+)"\}\[(?P<seconds>\d+)s\]')
FAILURES = 'sum(increase(failures{service="{{service}}"}[{{window}}]))'
TOTAL = 'sum(increase(requests{service="{{service}}"}[{{window}}]))'


class Prometheus:
    """`errors` is each Service's share of failed requests, of `rate` requests a second."""

    def __init__(self) -> None:
        self.errors: dict[str, float] = {}
        self.rate = 5000.0
        self.blind = False
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self, parse_qs(urlsplit(self.path).query).get("query", [""])[0])

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                outer.answer(self, parse_qs(body).get("query", [""])[0])

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler, query: str) -> None:
        """One number, or none that anybody could read."""
        self.asked += 1
        found = _QUERY.search(query)
        if self.blind or found is None:
            request.send_error(503)
            return
        count = self.rate * int(found["seconds"])
        value = count * self.errors.get(found["arm"], 0.0) if found["what"] == "failures" else count
        result = [{"metric": {}, "value": [0, str(round(value))]}]
        text = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text.encode())
