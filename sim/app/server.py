"""Serves the page to this machine alone."""

import contextlib
import pathlib
import socket
from typing import Any

from sim.app.jobs import RUN, Jobs
from sim.app.security import ADDRESS, MOST_BYTES, Guard, ReportHandler, hosts_of
from sim.language import _

COMPRESSION = 6  #: of what goes over the socket, as zlib counts it
POLL_MS = 100  #: between looks at the processes beside the page
#: a reader who has gone: how often that is asked, and after how long it is believed [ms]
ASK_MS, GONE_MS = 1_000, 5_000


class PortError(RuntimeError):
    """The page cannot be served at a port."""

    exit_code = 4


class App:
    """The server with its work.

    Parameters
    ----------
    port
        Port; 0 takes one that is free.
    lang
        Language where the address names none.
    root
        Folder below which results are written and studies opened.
    """

    def __init__(self, port: int, lang: str, root: pathlib.Path) -> None:
        import panel as pn
        from bokeh.server.server import Server
        from panel.io.server import get_server
        from tornado.ioloop import PeriodicCallback

        from sim.app.page import page_for

        self.port = port = port or free_port()
        self.lang, self.root, self.jobs = lang, root.resolve(), Jobs()
        pn.extension(sizing_mode="stretch_width", notifications=False)
        pn.config.session_history = 0
        self.server: Server = get_server(
            {"/": lambda: page_for(self, lang)}, port=port, address=ADDRESS, title="sim", show=False, start=False,
            websocket_origin=sorted(hosts_of(port)), extra_patterns=[(r"/report/(.+)", ReportHandler, {"root": self.root})],
            websocket_max_message_size=MOST_BYTES, websocket_compression_level=COMPRESSION, compress_response=True, http_server_kwargs={"max_header_size": 65_536},
            check_unused_sessions_milliseconds=ASK_MS, unused_session_lifetime_milliseconds=GONE_MS,
        )  # fmt: skip
        http: Any = self.server._http
        http.request_callback = Guard(http.request_callback, port)
        self.polling = PeriodicCallback(self.jobs.poll, POLL_MS)

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{ADDRESS}:{self.port}/"

    def start(self) -> None:
        """Begin to answer, and do the run that the page opens with."""
        from sim.app.state import State, load

        self.server.start()
        self.polling.start()
        first = State(lang=self.lang)
        scenarios = [load(first.baseline), first.resolved()]
        self.jobs.submit(None, RUN, scenarios, first.seed, first.months, first.lang)
        self.server.io_loop.add_callback(self.warm)

    def warm(self) -> None:
        """Make a page for nobody, while the first reader turns to the browser: what all pages share is kept by it.

        That is scenarios, the map's geography, the widths of letters, and modules that load when they are needed.
        """
        from bokeh.document import Document

        from sim.app.page import Session

        document = Document()
        for part in Session(self, self.lang).parts.values():
            document.add_root(part.get_root(document))
        document.to_json()

    def stop(self) -> None:
        """End the work and the server."""
        self.polling.stop()
        self.jobs.close()
        with contextlib.suppress(AssertionError):
            self.server.stop()


def free_port() -> int:
    """Return a port of this machine that nobody uses now."""
    with socket.socket() as asked:
        asked.bind((ADDRESS, 0))
        return int(asked.getsockname()[1])


def serve(port: int, lang: str) -> None:
    """Serve the page until it is interrupted.

    Raises
    ------
    PortError
        If the port is taken.
    """
    import click

    try:
        app = App(port, lang, pathlib.Path.cwd())
    except OSError as error:
        raise PortError(_("port {port} cannot be used: {why}; --port 0 takes one that is free").format(
            port=port, why=error.strerror or error)) from error  # fmt: skip
    app.start()
    click.echo(_("open {address} in a browser of this machine; Ctrl-C ends it").format(address=app.address))
    try:
        app.server.io_loop.start()
    except KeyboardInterrupt:
        pass
    finally:
        app.stop()
