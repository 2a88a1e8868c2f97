"""W&B online, with a server that fails: the run is logged offline, and the server is asked once."""

from __future__ import annotations

import http.server
import threading

import pytest
import wandb
from kills import ADDING

from seqlab import run
from seqlab.tracking import wandb_server

KEY = "0123456789abcdef" * 3


class Server(http.server.ThreadingHTTPServer):
    """A server on the loopback that answers every request with one status, or not at all."""

    daemon_threads = True

    def __init__(self, status):
        self.status, self.asked, self.stopped = status, 0, threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.asked += 1
        if self.server.status is None:
            self.server.stopped.wait(60)
            return
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def serve(monkeypatch):
    """Start a server that answers with a status, and let W&B use it."""
    servers = []

    def start(status):
        servers.append(server := Server(status))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        monkeypatch.setenv("WANDB_API_KEY", KEY)
        wandb_server.why_unreachable.cache_clear()
        return server

    yield start
    wandb.teardown()  # it has read the address
    for server in servers:
        server.stopped.set()
        server.shutdown()
        server.server_close()


@pytest.mark.runs
@pytest.mark.parametrize("status", [500, 429, None], ids=["500", "429", "hangs"])
def test_runs_go_on_offline_and_the_server_is_asked_once(status, serve, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(wandb_server, "PROBE_SECONDS", 0.5)
    server = serve(status)
    for name in ("0", "1"):
        settings = [*ADDING, "training.steps=1", "tracking.wandb.mode=online"]
        assert run([*settings, f"hydra.run.dir={tmp_path / name}"])["status"] == "finished"
        assert list((tmp_path / name).glob("wandb/offline-run-*/*.wandb"))
        warnings = [text for text in caplog.messages if text.startswith("W&B is offline for this run: ")]
        assert len(warnings) == int(name) + 1
        assert server.url in warnings[-1]
    assert server.asked == 1
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in written if KEY.encode() in path.read_bytes()]


def test_a_server_that_is_not_there_is_named(monkeypatch):
    server = Server(200)
    server.server_close()
    assert wandb_server.why_unreachable(server.url).startswith(f"{server.url} does not answer: ")


def test_a_server_that_answers_is_used(serve):
    assert wandb_server.why_unreachable(serve(200).url) is None
