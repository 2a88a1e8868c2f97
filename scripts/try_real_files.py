"""Train a few steps on files that come with packages, and write what was read and what was refused.

    pip install --no-deps --target PACKAGES aeon sktime vega_datasets plotly scikit-image
    python scripts/try_real_files.py PACKAGES

The files of scikit-learn, statsmodels and Matplotlib are those of this environment. The table is written to
`experiments/applications/real_files.md`.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
from pathlib import Path
from typing import NamedTuple

from seqlab import run
from seqlab.types import ConfigError

TABLE = Path(__file__).parent.parent / "experiments" / "applications" / "real_files.md"
QUICK = [
    *("training.steps=20", "training.eval_every=20", "training.checkpoint_every=20", "cell.features=8"),
    *("tracking.wandb.mode=disabled", "tracking.console.mode=off", "gradients=off"),
]


class File(NamedTuple):
    """A file of a package, what a user would ask of it, and whether it is rightly refused.

    Attributes:
        package: the importable package.
        path: below the package.
        overrides: of the command, without the source.
        refused: why it is to be refused; "" where it is to be read.
    """

    package: str
    path: str
    overrides: str
    refused: str = ""


AEON = "datasets/data"
FILES = [
    File("aeon", f"{AEON}/GunPoint/GunPoint_TRAIN.ts", "task=labelled_series"),
    File("aeon", f"{AEON}/BasicMotions/BasicMotions_TRAIN.ts", "task=labelled_series"),
    File("aeon", f"{AEON}/JapaneseVowels/JapaneseVowels_TRAIN.ts", "task=labelled_series"),
    File("aeon", f"{AEON}/PickupGestureWiimoteZ/PickupGestureWiimoteZ_TRAIN.ts", "task=labelled_series"),
    File("aeon", f"{AEON}/ItalyPowerDemand/ItalyPowerDemand_TRAIN.ts", "task=labelled_series"),
    File(
        "aeon", f"{AEON}/ArrowHead", "task=labelled_series", "a folder with .ts, .arff and .tsv of one split"
    ),
    File("aeon", f"{AEON}/OSULeaf", "task=labelled_series"),
    File("aeon", f"{AEON}/GunPoint/GunPoint_TRAIN.arff", "task=labelled_series"),
    File("aeon", f"{AEON}/BasicMotions/BasicMotions_TRAIN.arff", "task=labelled_series"),
    File("aeon", f"{AEON}/CardanoSentiment/CardanoSentiment_TRAIN.ts", "task=labelled_series", "regression"),
    File("aeon", f"{AEON}/UnitTest/UnitTest_Tsf_Loader.tsf", "task=series", "no reader of .tsf"),
    File(
        "aeon",
        f"{AEON}/Airline/Airline.csv",
        "task=series task.value=Passengers task.time=Date task.season=12",
    ),
    File("aeon", f"{AEON}/Lynx/Lynx.csv", "task=series task.value=Lynx", "the column is named 0"),
    File(
        "aeon", f"{AEON}/ShampooSales/ShampooSales.csv", "task=series task.length=3", "no column named value"
    ),
    File("sktime", f"{AEON}/PLAID/PLAID_TRAIN.ts", "task=labelled_series"),
    File("sktime", f"{AEON}/BasicMotions", "task=labelled_series"),
    File("sktime", f"{AEON}/Tecator/Tecator_TRAIN.ts", "task=labelled_series", "regression"),
    File(
        "vega_datasets",
        "_data/seattle-weather.csv",
        "task=series task.value=temp_max task.time=date task.season=365",
    ),
    File(
        "vega_datasets",
        "_data/seattle-weather.csv",
        "task=series task.value=[temp_max,temp_min] task.inputs=[wind] task.time=date",
    ),
    File(
        "vega_datasets",
        "_data/seattle-temps.csv",
        "task=series task.value=temp task.time=date task.season=24",
        "summer time leaves out an hour",
    ),
    File(
        "vega_datasets",
        "_data/sf-temps.csv",
        "task=series task.value=temp task.time=date task.frequency=h task.season=24",
    ),
    File(
        "vega_datasets",
        "_data/stocks.csv",
        "task=series task.value=price task.time=date task.group=symbol",
        "times as Jan 1 2000",
    ),
    File(
        "vega_datasets",
        "_data/iowa-electricity.csv",
        "task=series task.value=net_generation task.time=date",
        "the column is year",
    ),
    File(
        "vega_datasets",
        "_data/iowa-electricity.csv",
        "task=series task.value=net_generation task.time=year task.group=source task.length=4",
    ),
    File(
        "vega_datasets",
        "_data/iowa-electricity.csv",
        "task=series task.value=net_generation task.length=4",
        "several series",
    ),
    File(
        "vega_datasets",
        "_data/us-employment.csv",
        "task=series task.value=nonfarm task.time=month task.season=12",
    ),
    File("vega_datasets", "_data/crimea.json", "task=series task.value=disease task.time=date task.length=4"),
    File(
        "vega_datasets",
        "_data/ohlc.json",
        "task=series task.value=close task.time=date",
        "days without trade",
    ),
    File(
        "vega_datasets",
        "_data/ohlc.json",
        "task=series task.value=close task.time=date task.frequency=B task.length=4",
    ),
    File("vega_datasets", "_data/wheat.json", "task=series task.value=wheat task.time=year task.length=4"),
    File("vega_datasets", "_data/airports.csv", "task=text_classification task.text=name task.label=country"),
    File(
        "vega_datasets",
        "_data/airports.csv",
        "task=text_classification task.text=name task.label=state task.level=character",
    ),
    File(
        "plotly",
        "package_data/datasets/stocks.csv.gz",
        "task=series task.value=GOOG task.inputs=[AAPL,MSFT] task.time=date",
    ),
    File(
        "plotly",
        "package_data/datasets/gapminder.csv.gz",
        "task=series task.value=lifeExp task.time=year task.group=country task.length=3",
    ),
    File("plotly", "package_data/datasets/election.geojson.gz", "task=text_classification", "no table"),
    File("statsmodels", "datasets/nile/nile.csv", "task=series task.value=volume task.time=year"),
    File(
        "statsmodels",
        "datasets/grunfeld/grunfeld.csv",
        "task=series task.value=invest task.time=year task.group=firm task.length=4",
    ),
    File(
        "statsmodels",
        "datasets/macrodata/macrodata.csv",
        "task=series task.value=infl task.inputs=[unemp,tbilrate] task.season=4",
    ),
    File("statsmodels", "datasets/co2/co2.csv", "task=series task.value=co2", "missing values"),
    File(
        "sklearn",
        "datasets/data/iris.csv",
        "task=labelled_series",
        "numbers of classes in place of column names",
    ),
    File("sklearn", "datasets/data/digits.csv.gz", "task=series task.value=value", "no header"),
    File("sklearn", "datasets/descr", "task=text_corpus", "files .rst"),
    File(
        "matplotlib",
        "mpl-data/sample_data/Stocks.csv",
        "task=series task.value=IBM task.time=Date",
        "comments before the header",
    ),
    File(
        "matplotlib",
        "mpl-data/sample_data/msft.csv",
        "task=series task.value=Close task.time=Date",
        "dates as 19-Sep-03",
    ),
    File("skimage", "data", "task=labelled_images", "pictures of no class"),
]


def main() -> None:
    """Try every file and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("packages", type=Path, metavar="PACKAGES", help="the folder of the packages")
    packages = parser.parse_args().packages
    rows, wrong = [], 0
    for file in FILES:
        outcome, read = _try(_folder(file.package, packages) / file.path, file.overrides)
        rightly = read == (not file.refused)
        wrong += not rightly
        print("read" if read else "refused", "" if rightly else "WRONG", file.path, outcome, flush=True)
        verdict = ("yes" if rightly else "no") + (f": {file.refused}" if file.refused else "")
        rows.append(
            f"| {file.package} | `{Path(file.path).name}` | `{file.overrides}` | {outcome} | {verdict} |"
        )
    TABLE.write_text(_page(rows, wrong), encoding="utf-8")
    print(f"{len(FILES) - wrong} of {len(FILES)} as they should be; table: {TABLE}")


def _try(source: Path, overrides: str) -> tuple[str, bool]:
    """Return what a run says of a file, and whether it read it."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            summary = run(
                [*overrides.split(), f"task.source={source}", f"hydra.run.dir={folder}/run", *QUICK]
            )
        except ConfigError as error:
            return "refused: " + str(error).replace(str(source.parent), "…").replace("|", "\\|"), False
    counts = {key: summary["data"][key] for key in ("train", "validation", "test") if key in summary["data"]}
    if "classes" in summary["data"]:
        counts["classes"] = len(summary["data"]["classes"])
    return "read: " + ", ".join(f"{key} {count}" for key, count in counts.items()), True


def _folder(package: str, packages: Path) -> Path:
    """Return the folder of a package that was installed for this, or of this environment."""
    if (packages / package).is_dir():
        return packages / package
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise SystemExit(f"{package} is neither in {packages} nor in this environment")
    return Path(found.origin).parent


def _page(rows: list[str], wrong: int) -> str:
    """Return the page with the table."""
    head = "| package | file | command | outcome | right? |\n|---|---|---|---|---|"
    right = f"{len(rows) - wrong} of {len(rows)} were read or refused as they should be"
    return (
        "# Files that come with packages\n\n"
        f"`python scripts/try_real_files.py PACKAGES` trains 20 steps on each. {right}; its list "
        f"says which should be, and why a file is rightly refused.\n\n{head}\n" + "\n".join(rows) + "\n"
    )


if __name__ == "__main__":
    main()
