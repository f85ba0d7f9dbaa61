"""The unified model in plain PyTorch, float64, written for reading and not for speed: what `reference.py` computes with.

Weights are drawn when a name is first asked for, rounded to bfloat16, and kept under that name; the shape stands where the
weight is used. Names and formulas are those of the published checkpoint.
"""

import math

import torch
import torch.nn.functional as F

LLM = {"hidden": 24, "inner": 40, "layers": 2, "heads": 3, "kv": 1, "size": 8, "vocab": 264, "eps": 1e-6, "theta": 1e4}
VIT = {"hidden": 16, "inner": 24, "layers": 1, "heads": 2, "patch": 4, "side": 6, "eps": 1e-6}
VAE = {"channels": 4, "multipliers": [1, 2], "blocks": 1, "latent": 4, "groups": 2, "scale": 0.5, "shift": 0.1}
LATENT = {"patch": 2, "side": 8, "width": 16}

_random = torch.Generator().manual_seed(22)
weights: dict[str, torch.Tensor] = {}


def noise(*shape):
    """Standard normal numbers that float32 holds exactly."""
    return torch.randn(*shape, generator=_random).double()


def weight(name, *shape):
    if name not in weights:
        drawn = 1 + 0.2 * noise(*shape) if "norm" in name and name.endswith("weight") else 0.3 * noise(*shape)
        if len(shape) > 1:
            drawn = drawn * 3 / math.sqrt(math.prod(shape[1:]))
        weights[name] = drawn.to(torch.bfloat16).double().requires_grad_()
    return weights[name]


def table(name, side, width):
    """Two-dimensional sines and cosines, column first; not trained."""
    if name not in weights:
        omega = 10000.0 ** (-torch.arange(width // 4).double() / (width // 4))
        cells = torch.arange(side).double()
        row, column = (x.flatten()[:, None] * omega for x in torch.meshgrid(cells, cells, indexing="ij"))
        whole = torch.cat([column.sin(), column.cos(), row.sin(), row.cos()], 1)
        weights[name] = whole.to(torch.bfloat16).double()
    return weights[name]


def linear(x, name, out, bias=True):
    y = x @ weight(f"{name}.weight", out, x.shape[-1]).T
    return y + weight(f"{name}.bias", out) if bias else y


def rms_norm(x, name):
    scaled = x / torch.sqrt((x * x).mean(-1, keepdim=True) + LLM["eps"])
    return scaled * weight(f"{name}.weight", x.shape[-1])


def layer_norm(x, name):
    shape = x.shape[-1:]
    return F.layer_norm(x, shape, weight(f"{name}.weight", *shape), weight(f"{name}.bias", *shape), VIT["eps"])


def gelu(x):
    return F.gelu(x, approximate="tanh")


def rotate(x, positions):
    """x [tokens, heads, size]: the first half turns against the second."""
    half = x.shape[-1] // 2
    angles = positions.double()[:, None] * LLM["theta"] ** (-torch.arange(half).double() / half)
    cos, sin = angles.cos()[:, None], angles.sin()[:, None]
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def attend(q, k, v, mask):
    """q [n, heads, size], k and v [m, kv heads, size], mask [n, m]."""
    k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], 1) for x in (k, v))
    scores = torch.einsum("nhd,mhd->hnm", q, k) / math.sqrt(q.shape[-1])
    shares = scores.masked_fill(~mask, -math.inf).softmax(-1)
    return torch.einsum("hnm,mhd->nhd", shares, v).flatten(1)


def language_model(x, is_latent, positions, mask, past=None):
    """
    Final hidden states of rows x [n, hidden]; latents go through the generation expert.
    mask [n, past + n]; `past` is a list of (keys, values) of the layers, which is extended.
    """

    def routed(f, x, *names):
        und = f(x, *names)
        gen = f(x, *(name.replace("+", "_moe_gen") for name in names)) if is_latent.any() else und
        return torch.where(is_latent.view(-1, *[1] * (und.dim() - 1)), gen, und)

    def named(f, *rest):
        return lambda x, name: f(x, name.replace("+", ""), *rest)

    c = LLM
    for index in range(c["layers"]):
        at = f"language_model.model.layers.{index}"
        h = routed(named(rms_norm), x, f"{at}.input_layernorm+")
        heads = {}
        for part, count in (("q", c["heads"]), ("k", c["kv"]), ("v", c["kv"])):
            projected = routed(named(linear, count * c["size"]), h, f"{at}.self_attn.{part}_proj+")
            heads[part] = projected.view(-1, count, c["size"])
        q, k = (rotate(routed(named(rms_norm), heads[p], f"{at}.self_attn.{p}_norm+"), positions) for p in "qk")
        v = heads["v"]
        if past is not None:
            k, v = torch.cat([past[index][0], k]), torch.cat([past[index][1], v])
            past[index] = (k, v)
        x = x + routed(named(linear, c["hidden"], False), attend(q, k, v, mask), f"{at}.self_attn.o_proj+")
        h = routed(named(rms_norm), x, f"{at}.post_attention_layernorm+")
        x = x + routed(named(mlp), h, f"{at}.mlp+")
    return routed(named(rms_norm), x, "language_model.model.norm+")


def mlp(x, name):
    inner = F.silu(linear(x, f"{name}.gate_proj", LLM["inner"], False)) * linear(x, f"{name}.up_proj", LLM["inner"], False)
    return linear(inner, f"{name}.down_proj", LLM["hidden"], False)


def embedding(ids):
    return weight("language_model.model.embed_tokens.weight", LLM["vocab"], LLM["hidden"])[torch.tensor(ids)]


def logits(hidden):
    return linear(hidden, "language_model.lm_head", LLM["vocab"], False)


def latent_tokens(x, time, places):
    """Noised or clean latents x [tokens, width] at times [tokens] as inputs of the generation expert."""
    half = 128
    angles = time.double()[:, None] * torch.exp(-math.log(10000) * torch.arange(half).double() / half)
    features = torch.cat([angles.cos(), angles.sin()], -1)
    hidden = linear(F.silu(linear(features, "time_embedder.mlp.0", LLM["hidden"])), "time_embedder.mlp.2", LLM["hidden"])
    positions = table("latent_pos_embed.pos_embed", LATENT["side"], LLM["hidden"])[places]
    return linear(x, "vae2llm", LLM["hidden"]) + hidden + positions


def velocities(hidden):
    return linear(hidden, "llm2vae", LATENT["width"])


def vision(patches, places, lengths):
    """Every stage of the tower for packed images: patches [rows, values], places in the position table."""
    prefix, d = "vit_model.vision_model", VIT["hidden"]
    x = linear(patches, f"{prefix}.embeddings.patch_embedding", d)
    x = x + weight(f"{prefix}.embeddings.position_embedding.weight", VIT["side"] ** 2, d)[places]
    stages = {"embeddings": x}
    image = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    mask = image[:, None] == image
    for index in range(VIT["layers"]):
        at = f"{prefix}.encoder.layers.{index}"
        h = layer_norm(x, f"{at}.layer_norm1")
        q, k, v = (linear(h, f"{at}.self_attn.{p}_proj", d).view(h.shape[0], VIT["heads"], -1) for p in "qkv")
        x = x + linear(attend(q, k, v, mask), f"{at}.self_attn.out_proj", d)
        h = layer_norm(x, f"{at}.layer_norm2")
        x = x + linear(gelu(linear(h, f"{at}.mlp.fc1", VIT["inner"])), f"{at}.mlp.fc2", d)
    stages["vit_output"] = layer_norm(x, f"{prefix}.post_layernorm")
    inner = gelu(linear(stages["vit_output"], "connector.fc1", LLM["hidden"]))
    stages["connector_output"] = linear(inner, "connector.fc2", LLM["hidden"])
    rows = table("vit_pos_embed.pos_embed", VIT["side"], LLM["hidden"])[places]
    stages["llm_input"] = stages["connector_output"] + rows
    return stages
