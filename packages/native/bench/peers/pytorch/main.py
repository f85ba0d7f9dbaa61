"""PyTorch on the CPU as a peer of packages/native/bench.

Reads one case per line from standard input and answers one line each, both JSON, see ../process.mjs.
"""

import json
import sys

from peer import answer, begin

begin()

import torch  # noqa: E402

from measure import fastest, measure  # noqa: E402
from ops import OPS  # noqa: E402
from values import input_tensor, sampled  # noqa: E402


def run(case):
    if case["op"] not in OPS:
        return {"skipped": f"no op {case['op']}"}
    tensors = [input_tensor(spec, seed) for seed, spec in enumerate(case["inputs"])]
    variant = fastest(OPS[case["op"]](case["args"], *tensors))
    check = [sampled(x) for x in variant.results]
    return {**measure(variant.once, case["budget"]), "note": variant.name, "check": check}


answer({"ready": f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, eager"})
for line in sys.stdin:
    try:
        answer(run(json.loads(line)))
    except Exception as error:  # noqa: BLE001 - the answer says what went wrong, the next case may do
        answer({"error": str(error).split("\n")[0]})
