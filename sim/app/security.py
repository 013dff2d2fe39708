"""Who is answered: this machine alone, under its own name, with small requests and plain paths.

A page in the same browser that comes from elsewhere can send requests to loopback, and a name of its own can be made to
point there. So every request must name this server as its host, and if it says where it comes from, that must be this
server too.
"""

import pathlib
import urllib.parse
from typing import Any

from tornado import httputil
from tornado.web import HTTPError, RequestHandler

ADDRESS = "127.0.0.1"
MOST_BYTES = 1_000_000  #: of the body of a request, and of a message over the socket
LONGEST_PATH = 20_000  #: of path and query [characters]
#: nothing is loaded from elsewhere, whatever a page or a scenario says
POLICY = ("default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
          "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' {sockets}; worker-src 'self' blob:; "
          "frame-ancestors 'none'; base-uri 'self'; form-action 'none'")  # fmt: skip


def hosts_of(port: int) -> frozenset[str]:
    """Return the names under which the server answers."""
    return frozenset({f"{ADDRESS}:{port}", f"localhost:{port}"})


def refusal(method: str, path: str, headers: httputil.HTTPHeaders, port: int) -> tuple[int, str] | None:
    """Return status and reason for which a request is refused, None for one that is answered.

    Parameters
    ----------
    method, path
        As in the first line of the request.
    headers
        Of the request.
    port
        Of the server.
    """
    hosts = hosts_of(port)
    if headers.get("Host", "").lower() not in hosts:
        return 403, "Forbidden: another host"
    origins = [headers[name] for name in ("Origin", "Sec-WebSocket-Origin") if name in headers]
    if any(origin.lower() not in {f"http://{host}" for host in hosts} for origin in origins):
        return 403, "Forbidden: another origin"
    if (
        headers.get("Sec-Fetch-Site", "same-origin") == "cross-site"
        and headers.get("Sec-Fetch-Mode") != "navigate"
    ):
        return 403, "Forbidden: from another site"
    if method not in ("GET", "HEAD"):
        length = headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return 413, "Content Too Large"
        return 405, "Method Not Allowed"
    if headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers:
        return 413, "Content Too Large"
    if len(path) > LONGEST_PATH:
        return 414, "URI Too Long"
    plain = urllib.parse.unquote(urllib.parse.unquote(path.partition("?")[0]))
    if "\0" in plain or "\\" in plain or ".." in plain.split("/"):
        return 404, "Not Found"
    return None


class Guard(httputil.HTTPServerConnectionDelegate):
    """Stands before an application and answers what is refused itself.

    Parameters
    ----------
    application
        Whoever answers the rest.
    port
        Of the server.
    """

    def __init__(self, application: httputil.HTTPServerConnectionDelegate, port: int) -> None:
        self.application, self.port = application, port

    def start_request(
        self, server_conn: object, request_conn: httputil.HTTPConnection
    ) -> httputil.HTTPMessageDelegate:
        """Return who hears the request."""
        guarded: Any = _Answer(request_conn, self.port)
        return _Message(self.application.start_request(server_conn, guarded), request_conn, self.port)

    def on_close(self, server_conn: object) -> None:
        """Tell the application."""
        self.application.on_close(server_conn)


class _Message(httputil.HTTPMessageDelegate):
    """One request, handed on unless it is refused."""

    def __init__(
        self, inner: httputil.HTTPMessageDelegate, connection: httputil.HTTPConnection, port: int
    ) -> None:
        self.inner, self.connection, self.port, self.refused = inner, connection, port, False

    def headers_received(self, start_line: Any, headers: httputil.HTTPHeaders) -> Any:
        found = refusal(start_line.method, start_line.path, headers, self.port)
        if found is None:
            return self.inner.headers_received(start_line, headers)
        self.refused = True
        status, reason = found
        body = f"{status} {reason}\n".encode()
        answer = httputil.HTTPHeaders({"Content-Type": "text/plain; charset=utf-8", "Connection": "close",
                                       "Content-Length": str(len(body)), "X-Content-Type-Options": "nosniff"})  # fmt: skip
        self.connection.write_headers(httputil.ResponseStartLine("HTTP/1.1", status, reason), answer, body)
        self.connection.finish()
        return None

    def data_received(self, chunk: bytes) -> Any:
        return None if self.refused else self.inner.data_received(chunk)

    def finish(self) -> None:
        if not self.refused:
            self.inner.finish()

    def on_connection_close(self) -> None:
        if not self.refused:
            self.inner.on_connection_close()


class _Answer:
    """A connection that adds to every answer what browsers may do with it."""

    def __init__(self, connection: httputil.HTTPConnection, port: int) -> None:
        self._connection, self._port = connection, port

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def write_headers(
        self, start_line: Any, headers: httputil.HTTPHeaders, chunk: bytes | None = None
    ) -> Any:
        """Write the headers of the answer."""
        if "Content-Security-Policy" not in headers and start_line.code != 101:
            sockets = " ".join(f"ws://{host}" for host in sorted(hosts_of(self._port)))
            headers["Content-Security-Policy"] = POLICY.format(sockets=sockets)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return self._connection.write_headers(start_line, headers, chunk)


def inside(root: pathlib.Path, name: str) -> pathlib.Path | None:
    """Return the folder or file `name` below `root`, links followed; None if it lies elsewhere or does not exist."""
    if not name or "\0" in name:
        return None
    try:
        path = (root / name).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        return None
    return path if path != root.resolve() and path.is_relative_to(root.resolve()) else None


class ReportHandler(RequestHandler):
    """Shows the report that stands in a results folder below the page's own folder; writes nothing, starts nothing."""

    def initialize(self, root: pathlib.Path) -> None:
        """Take the folder of the page."""
        self.root = root

    def get(self, name: str) -> None:
        """Answer with the report of a folder."""
        from sim.report.build import FILE

        folder = inside(self.root, name)
        page = (
            inside(self.root, f"{name}/{FILE}")
            if folder is not None and (folder / "plan.json").is_file()
            else None
        )
        if page is None or not page.is_file():
            raise HTTPError(404)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        # its own policy stands in the page; sandboxed it can run nothing here even if the file was tampered with
        self.set_header("Content-Security-Policy", "sandbox allow-downloads; default-src 'none'; style-src "
                        "'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'")  # fmt: skip
        self.finish(page.read_bytes())
