"""The script that Orthanc loads (`Python.Path`): sets up the import path and passes the `orthanc` module on.

This is the only file that imports `orthanc`.
"""

import gc
import os
import site
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ROOT / ".venv" / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
UNWANTED = (str(ROOT / "plugin"), "dist-packages")

# Orthanc embeds the system's Python: its dist-packages hold other versions of our libraries, and the modules in the
# script's own folder must be imported as `plugin.…` only.
sys.path[:] = [str(ROOT), *(p for p in sys.path if not p.endswith(UNWANTED) and p != str(ROOT))]
site.addsitedir(str(PACKAGES))

gc.disable()  # objects made while loading stay forever; garbage collection would take a tenth of a start

import orthanc  # noqa: E402

from plugin.running.compose import install  # noqa: E402

CALLBACKS = install(orthanc, os.environ)
gc.freeze()
gc.enable()
