"""What every PyTorch peer begins with. It answers in lines of JSON, as ../process.mjs says."""

import importlib
import json
import os
import sys


def answer(line):
    print(json.dumps(line), flush=True)


def begin(*packages):
    """Sees to torch, the packages beside it, and the threads; without one of them the process says so and ends."""
    try:
        for name in ("torch", *packages):
            importlib.import_module(name)
    except ImportError as missing:
        answer({"missing": f"{sys.executable} has no {missing.name}; set UNICHARACTER_PYTHON to a Python that has it"})
        sys.exit()
    sys.modules["torch"].set_num_threads(int(os.environ.get("UC_BENCH_THREADS", "2")))
