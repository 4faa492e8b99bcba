"""Reproducing scripts run where embedviz cannot be imported, many in one fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

#: Runs the scripts in the folders that it is given and prints, for each, how it ended.
RUNNER = """
import os, runpy, sys, traceback
sys.modules["embedviz"] = None
from transformers.utils import logging
logging.disable_progress_bar()
logging.set_verbosity_error()
for folder in sys.argv[1:]:
    os.chdir(folder)
    try:
        runpy.run_path("reproduce.py", run_name="__main__")
        print(f"ended {folder}")
    except SystemExit as stopped:
        print(f"stopped {folder} {stopped}")
    except BaseException:
        traceback.print_exc()
        print(f"failed {folder} {traceback.format_exc().splitlines()[-1]}")
    for name in [name for name in sys.modules if name.startswith("embedviz.")]:
        print(f"imported {name}")
"""


#: Several threads of a busy machine wait for each other longer than they work.
_ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def run(folders: list[Path]) -> dict[Path, str]:
    """How the script ``reproduce.py`` in each folder ended: "ended", "stopped" and its words, or "failed"."""
    command = [sys.executable, "-I", "-c", RUNNER, *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", env=_ENVIRONMENT, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "imported" not in done.stdout
    ends = [line.split(" ", 2) for line in done.stdout.splitlines() if line.startswith(("ended", "stopped", "failed"))]
    return {Path(folder): " ".join([how, *words]) for how, folder, *words in ends}


def alone(folder: Path) -> subprocess.CompletedProcess[str]:
    """The script of one folder, run as a person would."""
    command = [sys.executable, "-I", str(folder / "reproduce.py")]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=_ENVIRONMENT, check=False)
