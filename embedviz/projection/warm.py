"""Importing umap so that what numba compiles is kept on disk, and getting a process ready before the first map.

umap-learn compiles its own functions anew in every process, some eight seconds before the first map. Switched on
here, numba keeps them: where ``NUMBA_CACHE_DIR`` says, else beside umap's sources where it may write there, else in
the user's cache folder.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from types import ModuleType
from typing import Any

import numpy as np


def import_umap() -> tuple[ModuleType, ModuleType]:
    """The modules umap and numba, with umap's compiled functions kept on disk."""
    # The one layer that comes with every numba and survives a fork; a layer the person chose is left alone.
    os.environ.setdefault("NUMBA_THREADING_LAYER", "workqueue")
    import numba

    try:
        import umap
    except RuntimeError as error:
        # Where no folder can be written to, umap cannot even be imported: some of its functions insist on a cache.
        if "cannot cache" not in str(error):
            raise
        numba.config.CACHE_DIR = tempfile.mkdtemp(prefix="embedviz-numba-")
        atexit.register(shutil.rmtree, numba.config.CACHE_DIR, ignore_errors=True)
        import umap

    keep_compiled("umap")
    return umap, numba


def keep_compiled(package: str) -> int:
    """Switches numba's disk cache on for every compiled function of an imported package; how many were switched on.

    numba looks a function up by its file, name and line, whatever its options: of two versions of one function
    (umap has its layout loop with and without threads) only the first may be kept, or one would be loaded as the
    other. Does nothing for functions that are kept already, and where no folder can be written to.
    """
    from numba.core.caching import NullCache

    functions = _compiled(package)
    kept = {function.py_func.__code__ for function in functions if not isinstance(function._cache, NullCache)}
    before = len(kept)
    for function in functions:
        if function.py_func.__code__ in kept:
            continue
        try:
            function.enable_caching()
        except RuntimeError:  # no folder to write to, or source that is not a file: compiled each time, as before
            continue
        kept.add(function.py_func.__code__)
    return len(kept) - before


def stop_keeping(package: str) -> int:
    """Switches the disk cache off again for a package's functions; how many still had it on."""
    on = [function for function in _compiled(package) if getattr(function._cache, "_enabled", False)]
    for function in on:
        function._cache.disable()
    return len(on)


def _compiled(package: str) -> list[Any]:
    """numba's functions in the imported modules of a package, those without threads first."""
    from numba.core.dispatcher import Dispatcher

    modules = [module for name, module in list(sys.modules.items()) if name.split(".")[0] == package]
    found = {id(item): item for module in modules for item in vars(module).values() if isinstance(item, Dispatcher)}
    return sorted(found.values(), key=lambda function: bool(function.targetoptions.get("parallel")))


def warm() -> None:
    """Draws tiny maps with every method of embedviz's own, in 2-D and 3-D, so that the next map starts at once.

    Safe to fork after: everything runs on one thread, since a child would wait in vain for threads that stayed
    with its parent (OpenMP's most of all). Run it before any other thread starts.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from embedviz.projection import METHODS, project

    numba = import_umap()[1]
    if numba.config.THREADING_LAYER == "default":  # numba was imported before the setting could be made
        numba.config.THREADING_LAYER = "workqueue"
    vectors = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
    with threadpool_limits(limits=1):
        for name, method in METHODS.items():
            if method.package:  # compiled already, and it would start threads
                continue
            for dimensions in (2, 3):
                project(vectors, name, dimensions=dimensions)
