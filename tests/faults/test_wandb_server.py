"""W&B online: a server that works, one that fails from the start, and one that fails in mid-run."""

from __future__ import annotations

import runpy
import subprocess
import sys

import pytest
import wandb
from kills import ADDING, rows_of
from loopback import HANGS, Server

from seqlab import run
from seqlab.registry import CONF
from seqlab.tracking import Callback, read_rows, wandb_internals, wandb_server

KEY = "0123456789abcdef" * 2 + "01234567"
ONLINE = [*ADDING, "tracking.wandb.mode=online"]


@pytest.fixture
def serve(monkeypatch):
    """Start a server that answers with a status, and let W&B use it."""
    servers = []

    def start(status=200):
        servers.append(server := Server(status))
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        monkeypatch.setenv("WANDB_API_KEY", KEY)
        monkeypatch.setattr(wandb_server, "_known", {})
        return server

    yield start
    wandb.teardown()  # it has read the address
    for server in servers:
        server.die()


def uploaded(server, name):
    """Return the rows of a W&B run by their step, without those of pictures alone and what W&B adds."""
    rows = [{key: value for key, value in row.items() if key[0] != "_"} for row in server.rows[name]]
    return [row["step"] for row in rows if any(key.startswith(("train/", "eval/", "test/")) for key in row)]


def steps(folder):
    return [row["step"] for row in read_rows(folder)]


def assert_no_key(folder):
    assert not [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


@pytest.mark.runs
@pytest.mark.parametrize("status", [500, 429, HANGS], ids=["500", "429", "hangs"])
def test_runs_go_on_offline_and_the_server_is_asked_once(status, serve, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(wandb_server, "PROBE_SECONDS", 0.5)
    server = serve(status)
    for name in ("0", "1"):
        assert run([*ONLINE, "training.steps=1", f"hydra.run.dir={tmp_path / name}"])["status"] == "finished"
        assert list((tmp_path / name).glob("wandb/offline-run-*/*.wandb"))
        warnings = [text for text in caplog.messages if text.startswith("W&B is offline for this run: ")]
        assert len(warnings) == int(name) + 1
        assert server.url in warnings[-1]
    assert server.asked == 1
    assert_no_key(tmp_path)


@pytest.mark.runs
def test_a_resumed_run_is_the_same_run_of_the_server(serve, tmp_path, caplog):
    server, settings = serve(), [*ONLINE, f"hydra.run.dir={tmp_path / 'run'}"]
    for steps_in_all in (3, 5):
        run([*settings, "gradients=norms", f"training.steps={steps_in_all}", "resume=auto"])
        (name,) = server.rows
        assert uploaded(server, name) == steps(tmp_path / "run")
        assert server.ended == {name: 0}
    pictures = [file for file in server.files[name] if file.startswith("media/images/gradient_flow/")]
    assert len(pictures) == 2
    assert server.names == {name: "elman-adding-seed0"}
    assert KEY not in caplog.text
    assert_no_key(tmp_path)


@pytest.mark.runs
@pytest.mark.parametrize("fault", [500, HANGS, "dies"])
def test_a_server_that_fails_in_mid_run_costs_no_row(fault, serve, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(wandb_internals, "FINISH_SECONDS", 0.5)
    server = serve()

    class Fail(Callback):
        def on_row(self, row):
            if row["step"] == 2 and fault == "dies":
                server.die()
            elif row["step"] == 2:
                server.status = fault

    settings = [*ONLINE, "training.steps=4", "gradients=off"]
    run([*settings, f"hydra.run.dir={tmp_path / '0'}"], callbacks=[Fail()])
    (warning,) = [text for text in caplog.messages if text.startswith("W&B: ")]
    (folder,) = (tmp_path / "0").glob("wandb/run-*")
    assert warning.endswith(f"To upload later: wandb sync --include-online {folder}")
    run([*settings, f"hydra.run.dir={tmp_path / '1'}"])  # offline at once
    assert list((tmp_path / "1").glob("wandb/offline-run-*"))
    assert rows_of(tmp_path / "0") == rows_of(tmp_path / "1")
    other = serve()
    sync(folder, *(tmp_path / "1").glob("wandb/offline-run-*"))
    assert len(other.rows) == 2
    assert [uploaded(other, name) for name in other.rows] == [steps(tmp_path / "0")] * 2
    assert_no_key(tmp_path)


def sync(*folders):
    command = [sys.executable, "-m", "wandb", "sync", "--include-online", *map(str, folders)]
    place = folders[0].parent  # it writes `wandb/` where it runs
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert KEY not in done.stdout + done.stderr


@pytest.mark.filterwarnings("ignore:Pydantic V1 style:DeprecationWarning")  # wandb-workspaces
def test_a_workspace_is_made_and_its_link_is_printed(serve, monkeypatch, capsys):
    server = serve()
    monkeypatch.setattr(sys, "argv", ["make_dashboard.py", "team/project"])
    runpy.run_path(str(CONF.parent / "scripts" / "make_dashboard.py"), run_name="__main__")
    ((name, made),) = server.views.items()
    sections = [section["name"] for section in made["section"]["panelBankConfig"]["sections"]]
    assert sections == ["learning", "gradients", "through time", "gates", "sweep"]
    link = capsys.readouterr().out.strip()
    assert link.startswith(f"{server.url}/team/project?nw=")
    assert link.rpartition("=")[2] in name


def test_a_server_that_is_not_there_is_named(monkeypatch):
    server = Server()
    server.die()
    assert wandb_server.why_unreachable(server.url).startswith(f"{server.url} does not answer: ")
