"""Does the built wheel run from an empty folder, without the checkout?"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from tiny_runs import TINY, tiny

from seqlab.registry import CONF
from seqlab.tracking import find_runs, read_summary

pytestmark = pytest.mark.runs

ROOT = CONF.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Build the wheel, unpack what pip would install, and return a Python that sees it and its packages."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    page = {f"seqlab/analysis/report/page.{ending}" for ending in ("html", "css", "js")}
    needed = {"seqlab/conf/train.yaml", "hydra_plugins/seqlab_launcher.py", *page}
    assert needed <= set(zipfile.ZipFile(wheel).namelist())
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--ignore-installed",
    ]
    subprocess.run([*install, f"--prefix={folder / 'venv'}", str(wheel)], check=True, timeout=120)
    (site / "packages.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return python


def test_its_script_trains_from_an_empty_folder(installed, tmp_path):
    """`python -m seqlab.train` trains in the test of a plug-in."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    overrides = [*tiny("adding", "many_to_one", "training.steps=1"), "hydra.run.dir=out"]
    done = subprocess.run(
        [str(installed), str(installed.parent / "seqlab-train"), *overrides],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert read_summary(tmp_path / "out")["status"] == "finished"


def test_the_wheel_is_what_runs(installed, tmp_path):
    where = [
        str(installed),
        "-I",
        "-c",
        "import seqlab, seqlab.registry as p; print(seqlab.__file__); print(p.CONF)",
    ]
    package, conf = subprocess.run(where, cwd=tmp_path, capture_output=True, text=True).stdout.split()
    assert Path(package).is_relative_to(installed.parent.parent)
    assert Path(conf).is_relative_to(installed.parent.parent)


def call(python, folder, *words):
    """Run Python in a folder, without the checkout on the path."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(python), *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def test_a_new_plugin_passes_its_tests_trains_and_is_swept_with_ours(installed, tmp_path):
    call(installed, tmp_path, "-m", "seqlab.new", "plugin", "my_lab")
    (site,) = installed.parents[1].glob("lib/python*/site-packages")
    offline = ["--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    install = ["-m", "pip", "install", "--quiet", *offline, f"--target={site}", "-e", "my_lab"]
    call(sys.executable, tmp_path, *install)
    assert "3 passed" in call(installed, tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "my_lab")
    tiny_plugin = ["task=my_task", "training.steps=2", *TINY]
    call(installed, tmp_path, "-m", "seqlab.train", "cell=my_cell", *tiny_plugin, "hydra.run.dir=one")
    assert read_summary(tmp_path / "one")["cell"] == "my_cell"
    swept = ["cell=my_cell,gru", "seed=0,1", "hydra/launcher=vectorized", "hydra.sweep.dir=all"]
    call(installed, tmp_path, "-m", "seqlab.train", "-m", *tiny_plugin, *swept)
    runs = [read_summary(folder) for folder in find_runs(tmp_path / "all")]
    assert [(run["cell"], run["status"]) for run in runs] == [
        *[("my_cell", "finished")] * 2,
        *[("gru", "finished")] * 2,
    ]
