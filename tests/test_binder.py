"""What Binder installs is what the package needs."""

import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
ELSEWHERE = {"torch": "pytorch-cpu", "openTSNE": "opentsne"}
"""Names that conda-forge has for the packages of the registry."""


def test_binder_installs_what_the_package_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["methods"]]  # the tutorials use these, too
    installed = yaml.safe_load((ROOT / "binder/environment.yml").read_text())["dependencies"]
    wanted = {">=".join((ELSEWHERE.get(name, name), bound)) for name, bound in (each.split(">=") for each in needed)}
    assert {each for each in installed if ">=" in each} == wanted
