"""Takes the training steps of the problem in PyTorch:  python main.py PROBLEM.json

Answers on standard output as native/bench/peers/process.mjs says: {"ready"}, then one line per request {"steps"}.
"""

import json
import os
import re
import sys
from time import perf_counter
from types import SimpleNamespace

sys.path.append(os.path.join(os.path.dirname(__file__), "../../../../native/bench/peers/pytorch"))
from peer import answer, begin  # noqa: E402

begin("safetensors")

import torch  # noqa: E402
from attention import dense_mask  # noqa: E402
from model import Rotary, UnifiedModel, time_features  # noqa: E402
from safetensors import safe_open  # noqa: E402


def memory_mib(field):
    with open("/proc/self/status") as status:
        return int(re.search(rf"^{field}:\s+(\d+) kB", status.read(), re.M)[1]) / 1024


def restart_peak():
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")


def packed_row(p):
    """The row as tensors, and what all steps share: rotation and mask."""
    ints = {
        "text_ids": "textIds",
        "und": "textIndexes",
        "gen": "latentIndexes",
        "latent_positions": "latentPositions",
        "image_of": "latentImageOf",
        "ce_rows": "ceRows",
        "ce_labels": "ceLabels",
        "mse_rows": "mseRows",
    }
    row = SimpleNamespace(**{name: torch.tensor(p[key]) for name, key in ints.items()})
    width = p["config"]["tokenWidth"]
    row.latents, row.noise = (torch.tensor(p[key]).view(-1, width) for key in ("latents", "noise"))
    row.times = torch.tensor(p["times"])
    row.time_features = time_features(row.times)
    row.tokens = len(p["positions"])
    row.rotary = Rotary(p["config"], torch.tensor(p["positions"]))
    visible = dense_mask(p["attention"])
    row.mask = torch.zeros(visible.shape, dtype=torch.bfloat16).masked_fill(~visible, float("-inf"))
    return row


def loaded_model(p):
    model = UnifiedModel(p["config"])
    with safe_open(p["weights"], "pt") as file:
        for name, parameter in model.named_parameters():
            parameter.data.copy_(file.get_tensor(name))
        model.latent_pos_embed.pos_embed = file.get_tensor("latent_pos_embed.pos_embed").clone()
    return model


def optimizer_of(model, o):
    settings = {"lr": o["lr"], "betas": tuple(o["betas"]), "eps": o["eps"], "weight_decay": o["weightDecay"]}
    return torch.optim.AdamW(model.parameters(), **settings, fused=True)


def take_step(model, optimizer, row, clip):
    start = perf_counter()
    with torch.autocast("cpu", torch.bfloat16):
        ce, mse = model(row)
    (ce + mse).backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    losses = {"ce": ce.item(), "mse": mse.item(), "gradNorm": norm.item()}
    return {"ms": 1e3 * (perf_counter() - start), **losses}


def main(problem):
    with open(problem) as file:
        p = json.load(file)
    row = packed_row(p)
    before = memory_mib("VmRSS")
    model = loaded_model(p)
    optimizer = optimizer_of(model, p["optimizer"])
    answer({"ready": f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, eager, bf16 autocast, fused AdamW"})
    for line in sys.stdin:
        restart_peak()
        steps = [
            take_step(model, optimizer, row, p["optimizer"]["clipNorm"]) for _ in range(json.loads(line)["steps"])
        ]
        answer({"steps": steps, "peakMiB": memory_mib("VmHWM") - before})


main(sys.argv[1])
