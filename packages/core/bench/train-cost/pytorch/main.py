"""Draws pictures and learns from them as the published code does, in PyTorch:  python main.py GROUP.json

One picture goes through the model at a time. Its prompt is read into a cache of keys and values, which every step joins
with its own by concatenation; guidance is a second pass without the prompt.
Answers on standard output as native/bench/peers/process.mjs says: {"ready"}, then one line per request {"part"}.
"""

import json
import math
import os
import sys
from time import perf_counter

sys.path.append(os.path.join(os.path.dirname(__file__), "../../../../native/bench/peers/pytorch"))
from peer import answer, begin  # noqa: E402

begin("safetensors")

sys.path.append(os.path.join(os.path.dirname(__file__), "../../train-step/pytorch"))
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from model import Rotary, UnifiedModel, time_features  # noqa: E402
from safetensors import safe_open  # noqa: E402


def loaded_model(p):
    model = UnifiedModel(p["config"])
    with safe_open(p["weights"], "pt") as file:
        for name, parameter in model.named_parameters():
            parameter.data.copy_(file.get_tensor(name))
            parameter.requires_grad_("moe_gen" in name)
        model.latent_pos_embed.pos_embed = file.get_tensor("latent_pos_embed.pos_embed").clone()
    # Autocast keeps its copies of trained weights only; frozen ones would be rounded to bf16 anew at every use.
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and "moe_gen" not in name:
            module.to(torch.bfloat16)
    return model


def through_layer(layer, x, und, gen, rotary, past, causal):
    """One layer on new tokens behind cached ones; answers them and the joined keys and values [1, heads, T, d]."""
    h = layer._routed(layer, "input_layernorm", x, und, gen)
    q, k, v = (layer._heads(name, h, und, gen) for name in ("q", "k", "v"))
    q, k = (rotary(layer._routed(layer.self_attn, f"{n}_norm", y, und, gen)) for n, y in (("q", q), ("k", k)))
    q, k, v = (y.transpose(0, 1)[None].to(torch.bfloat16) for y in (q, k, v))
    if past is not None:
        k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
    attended = F.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=True)
    flat = attended[0].transpose(0, 1).reshape(x.shape[0], -1)
    x = x + layer._routed(layer.self_attn, "o_proj", flat, und, gen)
    h = layer._routed(layer, "post_attention_layernorm", x, und, gen)
    return x + layer._routed(layer, "mlp", h, und, gen), (k, v)


class Artist:
    def __init__(self, p):
        self.p = p
        self.model = loaded_model(p)
        side, limit = p["side"], p["maxSide"]
        self.places = torch.tensor([row * limit + column for row in range(side) for column in range(side)])
        self.markers = torch.tensor([p["markers"]["soi"], p["markers"]["eoi"]])
        count = side * side
        self.und, self.gen = torch.tensor([0, count + 1]), torch.arange(1, count + 1)
        shape = (p["pictures"], count, p["config"]["tokenWidth"])
        self.noise = [torch.tensor(values).view(shape) for values in p["noise"]]
        trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        o = p["optimizer"]
        settings = {"lr": o["lr"], "betas": tuple(o["betas"]), "eps": o["eps"], "weight_decay": o["weightDecay"]}
        self.optimizer = torch.optim.AdamW(trained, **settings, fused=True)
        self.trained = trained

    @torch.no_grad()
    def read_prompt(self):
        """Keys and values of the prompt in every layer, and the position of what follows."""
        ids = torch.tensor([self.p["markers"]["bos"], *self.p["prompt"], self.p["markers"]["eos"]])
        inner = self.model.language_model.model
        rotary = Rotary(self.p["config"], torch.arange(len(ids)))
        x, all_tokens, none = inner.embed_tokens(ids), torch.arange(len(ids)), torch.arange(0)
        context = []
        for layer in inner.layers:
            x, cached = through_layer(layer, x, all_tokens, none, rotary, None, True)
            context.append(cached)
        return context, len(ids)

    def velocity(self, state, t, context, position):
        model, inner = self.model, self.model.language_model.model
        time = model.time_embedder.mlp(time_features(torch.tensor([t])))
        latents = model.vae2llm(state) + time + model.latent_pos_embed.pos_embed[self.places]
        text = inner.embed_tokens(self.markers)
        x = text.new_zeros(len(self.gen) + 2, text.shape[1])
        x[self.und], x[self.gen] = text, latents.to(text.dtype)
        rotary = Rotary(self.p["config"], torch.full((len(x),), position))
        for i, layer in enumerate(inner.layers):
            x, _ = through_layer(layer, x, self.und, self.gen, rotary, context and context[i], False)
        return model.llm2vae(inner.norm_moe_gen(x[self.gen])).float()

    def guided(self, state, t, context, position):
        v = self.velocity(state, t, context, position)
        free = self.velocity(state, t, None, 0)
        g = free + self.p["guidance"] * (v - free)
        return g * (v.norm() / (g.norm() + 1e-8)).clamp(0, 1)

    def mean_and_deviation(self, state, v, index):
        grid, eta = self.p["grid"], self.p["noiseLevel"]
        t, delta = grid[index], grid[index + 1] - grid[index]
        variance = eta * eta * t / (1 - (t if t < 1 else grid[1]))
        mean = state * (1 + variance * delta / (2 * t)) + v * (1 + variance * (1 - t) / (2 * t)) * delta
        return mean, math.sqrt(-delta * variance)

    @torch.no_grad()
    def draw(self):
        grid, window = self.p["grid"], self.p["window"]
        self.states, latents = [], []
        for picture in range(self.p["pictures"]):
            context, position = self.read_prompt()
            x, states = self.noise[0][picture], []
            for i in range(len(grid) - 1):
                v = self.guided(x, grid[i], context, position)
                step = i - window["start"]
                if 0 <= step < window["size"]:
                    states.append(x)
                    mean, deviation = self.mean_and_deviation(x, v, i)
                    x = mean + deviation * self.noise[1 + step][picture]
                    if step == window["size"] - 1:
                        states.append(x)
                else:
                    x = x + v * (grid[i + 1] - grid[i])
            self.states.append(states)
            latents.append(x)
        return {"latents": torch.stack(latents).flatten().tolist()}

    def learn(self):
        p, window = self.p, self.p["window"]
        share, total = 1 / (p["pictures"] * window["size"]), 0.0
        for picture in range(p["pictures"]):
            context, position = self.read_prompt()
            advantage, states = p["advantages"][picture], self.states[picture]
            for step in range(window["size"]):
                index = window["start"] + step
                v = self.guided(states[step], p["grid"][index], context, position)
                mean, deviation = self.mean_and_deviation(states[step], v, index)
                log_prob = -((states[step + 1] - mean) ** 2).mean() / (2 * deviation**2)
                ratio = torch.exp(log_prob - log_prob.detach())
                clipped = ratio.clamp(1 - p["clip"], 1 + p["clip"])
                loss = torch.maximum(-advantage * ratio, -advantage * clipped) * share
                loss.backward()
                total += loss.item()
        norm = torch.nn.utils.clip_grad_norm_(self.trained, p["optimizer"]["clipNorm"])
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return {"total": total, "gradNorm": norm.item()}


def main(problem):
    with open(problem) as file:
        artist = Artist(json.load(file))
    threads = torch.get_num_threads()
    answer({"ready": f"PyTorch {torch.__version__}, {threads} threads, eager, bf16 autocast, picture by picture"})
    for line in sys.stdin:
        start = perf_counter()
        with torch.autocast("cpu", torch.bfloat16):
            result = artist.draw() if json.loads(line)["part"] == "rollOut" else artist.learn()
        answer({"ms": 1e3 * (perf_counter() - start), **result})


main(sys.argv[1])
