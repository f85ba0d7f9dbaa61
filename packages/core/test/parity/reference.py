"""Writes the project's own folder of reference numbers:  python reference.py DIR   (needs PyTorch and safetensors)

The model of `model.py` is random and tiny, its arithmetic float64. The folder has the layout that `core:parity` reads:
manifest.json, a checkpoint under the published names, and the inputs and outputs of every case. Nothing in it comes from
another program. It is committed; run this again only to add cases, and commit what it writes.
"""

import json
import math
import os
import sys

import autoencoder
import model as m
import torch
from safetensors.torch import save_file

BOS, EOS, SOI, EOI = 257, 258, 259, 260
cases, tensors = [], {}


def case(name, what, inputs=None, given=None, expected=None, **more):
    """`given` and `expected` are tensors by name; integers must agree exactly, pictures of 8 bits within 1."""
    entry = {"id": name, "file": "cases.safetensors", "prefix": f"{name}/", "what": what, "regime": "float32"}
    entry |= {"inputs": inputs or {}, "tensors": {}, **more}
    for role, group in (("input", given or {}), ("output", expected or {})):
        for key, value in group.items():
            value = torch.as_tensor(value).detach()
            value = value.float() if value.is_floating_point() else value
            tensors[f"{name}/{key}"] = value.contiguous().clone()
            kind = str(value.dtype).removeprefix("torch.")
            entry["tensors"][key] = {"dtype": kind, "shape": list(value.shape), "role": role}
            if role == "output":
                largest = value.abs().max().item() if value.is_floating_point() and value.numel() else 0
                close = {"rtol": 1e-4, "atol": float(f"{max(1e-6, 2e-5 * largest):.1g}")}
                exact = {"max_difference": 1 if kind == "uint8" else 0}
                entry["tensors"][key] |= close if value.is_floating_point() else exact
    cases.append(entry)


def ids_of(text):
    return list(text.encode())


def text_item(text):
    return [BOS, *ids_of(text), EOS]


def vision_case():
    lengths, places = [6, 4], [0, 1, 2, 6, 7, 8, 0, 1, 6, 7]
    patches = m.noise(10, 3 * m.VIT["patch"] ** 2).clamp(-1, 1)
    given = {"patches": patches, "position_ids": places, "seqlens": lengths}
    case("vit", "vision tower, connector, position table; two images", given=given, expected=m.vision(patches, places, lengths))


def autoencoder_cases():
    image, eps = m.noise(1, 3, 8, 12).clamp(-1, 1), m.noise(1, 4, 4, 6)
    mean, logvar = autoencoder.encode(image)
    drawn = mean + torch.exp(logvar / 2) * eps
    expected = {"mean": mean, "logvar": logvar, "scaled_mean": autoencoder.scaled(mean)}
    expected["scaled_sample"] = autoencoder.scaled(drawn)
    case("vae_encode", "posterior of a picture, and a draw from it", given={"image": image, "eps": eps}, expected=expected)
    latent = m.noise(1, 4, 4, 6)
    picture = autoencoder.decode(latent)
    expected = {"decoded": picture, "image_u8": autoencoder.eight_bit(picture)}
    case("vae_decode", "picture of latents", given={"latent": latent}, expected=expected)


class Context:
    """What was read so far."""

    def __init__(self):
        empty = torch.zeros(0, m.LLM["kv"], m.LLM["size"]).double()
        self.layers, self.position = [(empty, empty)] * m.LLM["layers"], 0

    def read(self, ids):
        """Logits after each of the ids."""
        count, past = len(ids), self.layers[0][0].shape[0]
        mask = torch.ones(count, past + count, dtype=torch.bool).tril(past)
        positions = torch.arange(self.position, self.position + count)
        self.position += count
        latent = torch.zeros(count, dtype=torch.bool)
        return m.logits(m.language_model(m.embedding(ids), latent, positions, mask, self.layers))

    def velocity(self, x, t, places):
        """Velocities of latents between their markers; nothing is added to what was read."""
        count = x.shape[0] + 2
        times = torch.full((x.shape[0],), float(t))
        rows = torch.cat([m.embedding([SOI]), m.latent_tokens(x, times, places), m.embedding([EOI])])
        latent = torch.ones(count, dtype=torch.bool)
        latent[0] = latent[-1] = False
        mask = torch.ones(count, self.layers[0][0].shape[0] + count, dtype=torch.bool)
        hidden = m.language_model(rows, latent, torch.full((count,), self.position), mask, list(self.layers))
        return m.velocities(hidden[1:-1])


def text_case():
    texts, limit = ["Who keeps the lamp?", "Nobody knows."], 9
    context = Context()
    context.read(text_item(texts[0]))
    prefill = context.read(text_item(texts[1]))
    expected = {f"item{i}_ids": text_item(text) for i, text in enumerate(texts)}
    expected["prefill_logits"] = prefill
    for layer in (0, m.LLM["layers"] - 1):
        expected[f"key_cache_layer{layer}"], expected[f"value_cache_layer{layer}"] = context.layers[layer]
    fed, rows = [BOS], []
    while True:
        rows.append(context.read(fed[-1:])[0])
        best = rows[-1].topk(2)
        assert best.values[0] - best.values[1] > 1e-2, "too close to call: take another seed"
        if len(fed) == limit or best.indices[0] == EOS:
            break
        fed.append(best.indices[0].item())
    expected |= {"greedy_fed_ids": fed, "greedy_logits": torch.stack(rows)}
    expected["greedy_argmax_ids"] = [row.argmax().item() for row in rows]
    inputs = {"items": [f"text: {text}" for text in texts], "max_length": limit, "do_sample": False}
    case("text_turns", "two text items, then greedy decoding", inputs=inputs, expected=expected)


def guided(v, u, scale, per_token):
    g = u + scale * (v - u)
    norms = [x.norm(dim=1, keepdim=True) if per_token else x.norm() for x in (v, g)]
    return (norms[0] / (norms[1] + 1e-8)).clamp(0, 1) * g


def drawing_case(renorm):
    prompt, points, shift, scale, low = "A fox.", 6, 3.0, 4.0, 0.4
    rows, columns, p = 2, 3, m.LATENT["patch"]
    places = [r * m.LATENT["side"] + c for r in range(rows) for c in range(columns)]
    even = torch.linspace(1, 0, points).double()
    grid = (shift * even / (1 + (shift - 1) * even)).float().double()
    main, nothing = Context(), Context()
    main.read(text_item(prompt))
    start = m.noise(rows * columns, m.LATENT["width"])
    x, steps = start, {name: [] for name in ("t", "dt", "v", "v_text_cfg", "v_combined", "x", "cfg_active")}
    for t, after in zip(grid, grid[1:]):
        active = low < t <= 1
        v = main.velocity(x, t, places)
        u = nothing.velocity(x, t, places) if active else torch.zeros_like(v)
        g = guided(v, u, scale, renorm != "global") if active else v
        x = x - g * (t - after)
        found = {"t": t, "dt": t - after, "v": v, "v_text_cfg": u, "v_combined": g, "x": x}
        for name, value in found.items():
            steps[name].append(value)
        steps["cfg_active"].append(torch.tensor(1 if active else 0))
    cells = x.view(rows, columns, p, p, -1).permute(4, 0, 2, 1, 3)
    picture = autoencoder.decode(cells.reshape(1, -1, rows * p, columns * p))
    expected = {name: torch.stack(values) for name, values in steps.items()}
    expected |= {"item0_ids": text_item(prompt), "decoded": picture, "image_u8": autoencoder.eight_bit(picture)}
    inputs = {"items": [f"text: {prompt}"], "num_timesteps": points, "timestep_shift": shift}
    inputs |= {"cfg_text_scale": scale, "cfg_img_scale": 1.0, "cfg_interval": [low, 1.0]}
    inputs |= {"cfg_renorm_type": renorm, "cfg_renorm_min": 0.0}
    size = [side * p * 2 for side in (rows, columns)]
    what = f"a picture with text guidance, renorm {renorm}"
    case(f"t2i_{renorm}", what, inputs, {"initial_noise": start}, expected, output_shape_hw=size)


def train_case():
    """A picture to draw, and a question about an image with its answer, in one row."""
    prompt, question, reply = "A hill.", "How many?", "Two."
    rows, columns, u = 2, 2, 0.3
    patches, vit_places = m.noise(6, 3 * m.VIT["patch"] ** 2).clamp(-1, 1), [0, 1, 2, 6, 7, 8]
    clean, eps = m.noise(rows * columns, m.LATENT["width"]), m.noise(rows * columns, m.LATENT["width"])
    places = [r * m.LATENT["side"] + c for r in range(rows) for c in range(columns)]
    t = torch.sigmoid(torch.tensor(u)).double()
    count = rows * columns
    noised = m.latent_tokens((1 - t) * clean + t * eps, t.expand(count), places)
    seen = m.vision(patches, vit_places, [6])["llm_input"]
    first, second, third = text_item(prompt), text_item(question), text_item(reply)
    picture = [m.embedding([SOI]), noised, m.embedding([EOI])]
    image = [m.embedding([SOI]), seen, m.embedding([EOI])]
    parts = [m.embedding(first), *picture, *image, m.embedding(second), m.embedding(third)]
    x = torch.cat(parts)
    a, b, c, d, e = len(first), count + 2, 8, len(second), len(third)
    latent = torch.zeros(x.shape[0], dtype=torch.bool)
    latent[a + 1 : a + 1 + count] = True
    positions = torch.tensor([*range(a), *[a] * b, *[0] * c, *range(1, 1 + d + e)])
    mask = torch.ones(x.shape[0], x.shape[0], dtype=torch.bool).tril()
    mask[a : a + b, a : a + b] = True
    mask[a + b : a + b + c, a + b : a + b + c] = True
    mask[a + b :, : a + b] = False
    hidden = m.language_model(x, latent, positions, mask)
    answer = a + b + c + d
    ce = torch.nn.functional.cross_entropy(m.logits(hidden[answer : answer + e - 1]), torch.tensor(third[1:]), reduction="none")
    elements = (m.velocities(hidden[latent]) - (eps - clean)) ** 2
    loss = elements.mean() + 0.25 * ce.mean()
    trained = {name: w for name, w in m.weights.items() if w.requires_grad and not name.startswith(("encoder.", "decoder."))}
    grads = dict(zip(trained, torch.autograd.grad(loss, trained.values())))
    norms = {name: grad.norm().item() for name, grad in grads.items()}
    with open(os.path.join(FOLDER, "grad_norms.json"), "w") as file:
        json.dump(norms, file, indent=1)
    cells = clean.view(rows, columns, 2, 2, -1).permute(4, 0, 2, 1, 3).reshape(1, -1, 2 * rows, 2 * columns)
    given = {"packed_vit_tokens": patches, "padded_latent": cells, "packed_timesteps": torch.full((count,), u), "noise": eps}
    expected = {"packed_position_ids": positions, "lm_input": x, "last_hidden_state": hidden, "ce_per_token": ce}
    expected |= {"mse_elements": elements, "ce_loss": ce.mean(), "mse_loss": elements.mean(), "loss": loss}
    for start, length, name in ((0, a + b, 0), (a + b, c + d + e, 1)):
        expected[f"attention_allowed_sample{name}"] = mask[start : start + length, start : start + length].to(torch.int64)
    expected["global_grad_norm"] = math.hypot(*norms.values()) * torch.ones(())
    kept = ("layers.1.self_attn.q_proj.weight", "layers.0.self_attn.k_norm_moe_gen.weight", "vae2llm.bias", "connector.fc2.bias")
    expected |= {f"grad/{name}": grad for name, grad in grads.items() if name.endswith(kept)}
    plans = [
        {"plan": ["text", "vae_image (loss)"], "texts": [prompt], "image_sizes_hw": [[8, 8]]},
        {"plan": ["vit_image", "text", "text (loss)"], "texts": [question, reply], "image_sizes_hw": [[8, 12]]},
    ]
    what = "losses and gradients of a row of two samples"
    case("train_pack", what, {"samples": plans}, given, expected, grad_norms_file="grad_norms.json")


def policy_cases():
    grid = [1.0, 0.9, 0.7]
    t, after, eta = torch.tensor([1.0, 0.9, 0.7]).double(), torch.tensor([0.9, 0.7, 0.4]).double(), torch.tensor([1.3, 1.3, 0.5]).double()
    x, v, eps = (m.noise(3, 4, m.LATENT["width"]) for _ in range(3))
    t, after, eta = (value.float().double() for value in (t, after, eta))
    grid1 = torch.tensor(grid[1]).float()
    barred = torch.where(t == 1, grid1.double(), t)
    step = after - t
    sigma = eta * torch.sqrt(t / (1 - barred))
    s, dt, at = (value[:, None, None] for value in (sigma, step, t))
    mu = x * (1 + s**2 * dt / (2 * at)) + v * (1 + s**2 * (1 - at) / (2 * at)) * dt
    following = mu + s * torch.sqrt(-dt) * eps
    logp = (-((following - mu) ** 2) / (2 * s**2 * -dt)).mean((1, 2))
    given = {"x": x, "v": v, "eps": eps, "t": t, "t_next": after, "eta": eta, "grid_1": grid1}
    case("sde_step", "stochastic steps", given=given, expected={"sigma": sigma, "mu": mu, "x_next": following, "logp": logp})
    rewards, groups = m.noise(9), torch.tensor([0, 1, 0, 2, 1, 0, 1, 0, 2])

    def scaled(values, mean, std):
        return (values - mean) / (std + 1e-4)

    own, shared = torch.zeros(9).double(), torch.zeros(9).double()
    for group in groups.unique():
        member = groups == group
        mean = rewards[member].mean()
        own[member] = scaled(rewards[member], mean, rewards[member].std(correction=0))
        shared[member] = scaled(rewards[member], mean, rewards.std(correction=0))
    expected = {"advantages": own, "advantages_global_std": shared}
    expected["advantages_no_tracking"] = scaled(rewards, rewards.mean(), rewards.std(correction=0))
    case("advantages_groups", "advantages in groups", given={"rewards": rewards, "prompt_index": groups}, expected=expected)


def byte_alphabet():
    """The printable stand-in of each byte in byte-level BPE."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return {chr(b if b in plain else next(others)): b for b in range(256)}


def write_checkpoint():
    folder = os.path.join(FOLDER, "checkpoint")
    os.makedirs(folder, exist_ok=True)

    def write(name, value):
        with open(os.path.join(folder, name), "w") as file:
            json.dump(value, file, ensure_ascii=False)

    c, v = m.LLM, m.VIT
    llm = {"model_type": "qwen2", "vocab_size": c["vocab"], "hidden_size": c["hidden"], "intermediate_size": c["inner"]}
    llm |= {"num_hidden_layers": c["layers"], "num_attention_heads": c["heads"], "num_key_value_heads": c["kv"]}
    llm |= {"hidden_act": "silu", "rms_norm_eps": c["eps"], "rope_theta": c["theta"], "max_position_embeddings": 512}
    llm |= {"initializer_range": 0.02, "tie_word_embeddings": False}
    write("llm_config.json", llm)
    # The file counts a layer that is not built.
    vit = {"hidden_size": v["hidden"], "intermediate_size": v["inner"], "num_hidden_layers": v["layers"] + 1}
    vit |= {"num_attention_heads": v["heads"], "patch_size": v["patch"], "num_channels": 3, "image_size": 24}
    write("vit_config.json", vit)
    write("vocab.json", byte_alphabet())
    with open(os.path.join(folder, "merges.txt"), "w") as file:
        file.write("#version: 0.2\n")
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>"]
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    added = {str(256 + i): {"content": content, **flags} for i, content in enumerate(special)}
    write("tokenizer_config.json", {"added_tokens_decoder": added, "tokenizer_class": "Qwen2Tokenizer"})
    stored = {name: w.detach().to(torch.bfloat16) for name, w in m.weights.items()}
    of_vae = {name for name in stored if name.startswith(("encoder.", "decoder."))}
    save_file({n: stored[n] for n in of_vae}, os.path.join(folder, "ae.safetensors"))
    save_file({n: w for n, w in stored.items() if n not in of_vae}, os.path.join(folder, "ema.safetensors"))


def constants():
    v = m.VAE
    vae = {"ch": v["channels"], "ch_mult": v["multipliers"], "num_res_blocks": v["blocks"], "z_channels": v["latent"]}
    vae |= {"group_norm_groups": v["groups"], "scale_factor": v["scale"], "shift_factor": v["shift"]}
    values = {"latent_patch_size": m.LATENT["patch"], "max_latent_size": m.LATENT["side"], "vae": vae}
    values |= {"vit_max_num_patch_per_side": m.VIT["side"]}
    values |= {"vae_transform": {"max": 32, "min": 16, "stride": 4, "max_pixels": 1024}}
    return values | {"vit_transform": {"max": 24, "min": 8, "stride": 4, "max_pixels": 576}}


FOLDER = sys.argv[1]
os.makedirs(FOLDER, exist_ok=True)
vision_case()
autoencoder_cases()
text_case()
drawing_case("global")
drawing_case("channel")
train_case()
policy_cases()
write_checkpoint()
save_file(tensors, os.path.join(FOLDER, "cases.safetensors"))
with open(os.path.join(FOLDER, "manifest.json"), "w") as out:
    manifest = {"format": "bagel-golden/1", "name": "own", "made_by": "packages/core/test/parity/reference.py"}
    json.dump(manifest | {"constants": constants(), "cases": cases}, out, indent=1)
