"""The measured model in PyTorch, routed as the published code does: every layer picks the tokens of each expert by index.

Weights are read under their published names. Nothing is fused that eager PyTorch does not fuse itself.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn


def _linear(inputs, outputs, bias=True):
    return nn.Linear(inputs, outputs, bias=bias)


class Norm(nn.RMSNorm):
    """In f32, the type of its weight: a mixture of types would keep PyTorch from its fused kernel."""

    def forward(self, x):
        return super().forward(x.float())


class Mlp(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.gate_proj = _linear(c["hiddenSize"], c["intermediateSize"], bias=False)
        self.up_proj = _linear(c["hiddenSize"], c["intermediateSize"], bias=False)
        self.down_proj = _linear(c["intermediateSize"], c["hiddenSize"], bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Rotary:
    """Cosines and sines of a row's positions; halves are rotated, not neighbours."""

    def __init__(self, c, positions):
        size = c["headDim"]
        frequencies = c["ropeTheta"] ** (-torch.arange(0, size, 2, dtype=torch.float32) / size)
        angles = torch.outer(positions.float(), frequencies)
        self.cos, self.sin = (torch.cat([f(angles)] * 2, -1)[:, None] for f in (torch.cos, torch.sin))

    def __call__(self, x):
        first, second = x.chunk(2, -1)
        return x * self.cos + torch.cat([-second, first], -1) * self.sin


class Layer(nn.Module):
    """One layer; `und` and `gen` are the indexes of each expert's tokens."""

    def __init__(self, c):
        super().__init__()
        d, size = c["hiddenSize"], c["headDim"]
        widths = {"q": c["heads"] * size, "k": c["kvHeads"] * size, "v": c["kvHeads"] * size}
        self.size = size
        self.self_attn = nn.Module()
        for suffix in ("", "_moe_gen"):
            for name, width in widths.items():
                setattr(self.self_attn, f"{name}_proj{suffix}", _linear(d, width))
            setattr(self.self_attn, f"o_proj{suffix}", _linear(widths["q"], d, bias=False))
            for name in ("q_norm", "k_norm"):
                setattr(self.self_attn, f"{name}{suffix}", Norm(size, c["normEps"]))
            for name in ("input_layernorm", "post_attention_layernorm"):
                setattr(self, f"{name}{suffix}", Norm(d, c["normEps"]))
            setattr(self, f"mlp{suffix}", Mlp(c))

    def _routed(self, owner, name, x, und, gen):
        """Each expert's own module on its own tokens, in the order of the row."""
        own, other = getattr(owner, name)(x[und]), getattr(owner, f"{name}_moe_gen")(x[gen])
        y = own.new_empty(x.shape[0], *own.shape[1:])
        y[und], y[gen] = own, other
        return y

    def _heads(self, name, h, und, gen):
        return self._routed(self.self_attn, f"{name}_proj", h, und, gen).view(h.shape[0], -1, self.size)

    def forward(self, x, und, gen, rotary, mask):
        h = self._routed(self, "input_layernorm", x, und, gen)
        q, k, v = (self._heads(name, h, und, gen) for name in ("q", "k", "v"))
        q = rotary(self._routed(self.self_attn, "q_norm", q, und, gen))
        k = rotary(self._routed(self.self_attn, "k_norm", k, und, gen))
        q, k, v = (y.transpose(0, 1)[None].to(mask.dtype) for y in (q, k, v))
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)
        flat = attended[0].transpose(0, 1).reshape(x.shape[0], -1)
        x = x + self._routed(self.self_attn, "o_proj", flat, und, gen)
        h = self._routed(self, "post_attention_layernorm", x, und, gen)
        return x + self._routed(self, "mlp", h, und, gen)


class UnifiedModel(nn.Module):
    """Text and latents of one packed row in, both losses out. The position table is computed, not trained."""

    def __init__(self, c):
        super().__init__()
        d, width = c["hiddenSize"], c["tokenWidth"]
        inner = nn.Module()
        inner.embed_tokens = nn.Embedding(c["vocabSize"], d)
        inner.layers = nn.ModuleList(Layer(c) for _ in range(c["layers"]))
        inner.norm = Norm(d, c["normEps"])
        inner.norm_moe_gen = Norm(d, c["normEps"])
        self.language_model = nn.Module()
        self.language_model.model = inner
        self.language_model.lm_head = _linear(d, c["vocabSize"], bias=False)
        self.time_embedder = nn.Module()
        self.time_embedder.mlp = nn.Sequential(_linear(256, d), nn.SiLU(), _linear(d, d))
        self.vae2llm = _linear(width, d)
        self.llm2vae = _linear(d, width)
        self.latent_pos_embed = nn.Module()
        self.latent_pos_embed.register_buffer("pos_embed", None)

    def embedded(self, row):
        """The row's inputs [T, hidden], and the velocity that the drawn pictures have to predict."""
        t = row.times[row.image_of][:, None]
        noisy = (1 - t) * row.latents + t * row.noise
        time = self.time_embedder.mlp(row.time_features)[row.image_of]
        text = self.language_model.model.embed_tokens(row.text_ids)
        latents = self.vae2llm(noisy) + time + self.latent_pos_embed.pos_embed[row.latent_positions]
        x = text.new_zeros(row.tokens, text.shape[1])
        x[row.und], x[row.gen] = text, latents.to(text.dtype)
        return x, row.noise - row.latents

    def forward(self, row):
        x, velocity = self.embedded(row)
        for layer in self.language_model.model.layers:
            x = layer(x, row.und, row.gen, row.rotary, row.mask)
        und = self.language_model.model.norm(x[row.und])
        gen = self.language_model.model.norm_moe_gen(x[row.gen])
        logits = self.language_model.lm_head(und[row.ce_rows])
        predicted = self.llm2vae(gen[row.mse_rows])
        ce = F.cross_entropy(logits.float(), row.ce_labels)
        return ce, F.mse_loss(predicted.float(), velocity[row.mse_rows])


def time_features(times, width=256):
    half = width // 2
    angles = times[:, None] * torch.exp(-math.log(10000) * torch.arange(half) / half)
    return torch.cat([torch.cos(angles), torch.sin(angles)], -1)
