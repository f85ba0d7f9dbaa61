"""Writes and draws with an equal model in PyTorch:  python main.py PROBLEM.json

Answers on standard output as native/bench/peers/process.mjs says: {"ready"}, then one line per request {"what", "repeats"}.
"""

import json
import os
import sys
from time import perf_counter

sys.path.append(os.path.join(os.path.dirname(__file__), "../../../../native/bench/peers/pytorch"))
from peer import answer, begin  # noqa: E402

begin("safetensors")

import torch  # noqa: E402
from cached_model import Cache, CachedModel, guide  # noqa: E402
from safetensors import safe_open  # noqa: E402


def loaded_model(p):
    dtype = torch.bfloat16 if p["precision"] == "bf16" else torch.float32
    with torch.device("meta"):
        model = CachedModel(p["config"])
    with safe_open(p["weights"], "pt") as file:
        state = {name: file.get_tensor(name).to(dtype) for name, _ in model.named_parameters()}
        model.load_state_dict(state, assign=True, strict=False)
        model.latent_pos_embed.pos_embed = file.get_tensor("latent_pos_embed.pos_embed").to(dtype)
    return model.requires_grad_(False)


def write(model, p):
    """The likeliest tokens after the prompt, one by one; the clock runs from the end of the prompt on."""
    cache = Cache(p["config"]["layers"])
    first = model.read(cache, torch.tensor(p["prompt"]))
    start = perf_counter()
    ids = [first.argmax().item()]
    while len(ids) <= p["tokens"]:
        ids.append(model.read(cache, torch.tensor(ids[-1:])).argmax().item())
    ms = 1e3 * (perf_counter() - start)
    return {"ms": ms / p["tokens"], "check": first.float().tolist(), "ids": ids}


def draw(model, p):
    """Steps of a guided picture."""
    main, nothing = Cache(p["config"]["layers"]), Cache(p["config"]["layers"])
    model.read(main, torch.tensor(p["prompt"]))
    side, markers = p["side"], [p["markers"]["soi"], p["markers"]["eoi"]]
    start = perf_counter()
    x = torch.tensor(p["noise"]).view(side * side, -1)
    for t, after in zip(p["grid"], p["grid"][1:]):
        v = model.velocity(main, x, t, side, p["maxSide"], markers)
        u = model.velocity(nothing, x, t, side, p["maxSide"], markers)
        x = x - guide(v, u, p["guidance"]["text"]) * (t - after)
    check = x.flatten().tolist()
    ms = 1e3 * (perf_counter() - start)
    return {"ms": ms / (len(p["grid"]) - 1), "check": check}


@torch.inference_mode()
def main(problem):
    with open(problem) as file:
        p = json.load(file)
    model = loaded_model(p)
    answer({"ready": f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, eager, {p['precision']}"})
    work = {"write": write, "draw": draw}
    for line in sys.stdin:
        request = json.loads(line)
        results = [work[request["what"]](model, p) for _ in range(request["repeats"])]
        answer({**results[-1], "ms": [result["ms"] for result in results]})


main(sys.argv[1])
