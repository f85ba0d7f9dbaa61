"""The measured model in PyTorch with the cache and the routing of the published code.

The cache of a layer is one tensor of keys and one of values; every forward pass allocates it anew and copies the past and
its own rows to their indexes. When there are latents, every layer picks the tokens of each expert by index; a text takes the
understanding expert alone. Nothing is fused that eager PyTorch does not fuse itself.
"""

import os
import sys

import torch
import torch.nn.functional as F

sys.path.append(os.path.join(os.path.dirname(__file__), "../../train-step/pytorch"))
import model as training  # noqa: E402


class Cache:
    """Keys and values that were read, and the position of the next token."""

    def __init__(self, layers):
        self.keys, self.values = [None] * layers, [None] * layers
        self.position = 0

    def length(self):
        return 0 if self.keys[0] is None else self.keys[0].shape[0]


def merged(past, own):
    if past is None:
        return own
    count = past.shape[0]
    both = own.new_zeros(count + own.shape[0], *own.shape[1:])
    both[torch.arange(count)] = past
    both[torch.arange(count, both.shape[0])] = own
    return both


class Step:
    """What all layers of a forward pass share."""

    def __init__(self, config, cache, positions, dtype, causal, append, und=None, gen=None):
        self.rotary = training.Rotary(config, positions)
        self.rotary.cos, self.rotary.sin = self.rotary.cos.to(dtype), self.rotary.sin.to(dtype)
        self.cache, self.append, self.und, self.gen = cache, append, und, gen
        rows, past = positions.shape[0], cache.length()
        self.mask = None
        if causal and rows > 1:
            self.mask = torch.ones(rows, past + rows, dtype=torch.bool).tril(past)


class Norm(torch.nn.RMSNorm):
    """In the type of the model throughout, which PyTorch has one kernel for."""


class CachedLayer(training.Layer):
    def __init__(self, config):
        super().__init__(config)
        for owner in (self, self.self_attn):
            for name, module in list(owner.named_children()):
                if isinstance(module, training.Norm):
                    setattr(owner, name, Norm(module.normalized_shape, module.eps))

    def routed(self, owner, name, x, step):
        if step.gen is None:
            return getattr(owner, name)(x)
        return self._routed(owner, name, x, step.und, step.gen)

    def attention(self, index, h, step):
        own = self.self_attn
        q, k, v = (self.routed(own, f"{name}_proj", h, step).view(h.shape[0], -1, self.size) for name in "qkv")
        q, k = step.rotary(self.routed(own, "q_norm", q, step)), step.rotary(self.routed(own, "k_norm", k, step))
        keys, values = merged(step.cache.keys[index], k), merged(step.cache.values[index], v)
        if step.append:
            step.cache.keys[index], step.cache.values[index] = keys, values
        q, k, v = (y.transpose(0, 1)[None] for y in (q, keys, values))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=step.mask, enable_gqa=True)
        return y[0].transpose(0, 1).reshape(h.shape[0], -1)

    def forward(self, index, x, step):
        h = self.routed(self, "input_layernorm", x, step)
        x = x + self.routed(self.self_attn, "o_proj", self.attention(index, h, step), step)
        h = self.routed(self, "post_attention_layernorm", x, step)
        return x + self.routed(self, "mlp", h, step)


class CachedModel(training.UnifiedModel):
    def __init__(self, config):
        super().__init__(config)
        self.config = config
        inner = self.language_model.model
        inner.layers = torch.nn.ModuleList(CachedLayer(config) for _ in range(config["layers"]))
        for name in ("norm", "norm_moe_gen"):
            setattr(inner, name, Norm(config["hiddenSize"], config["normEps"]))

    def through(self, x, step):
        for index, layer in enumerate(self.language_model.model.layers):
            x = layer(index, x, step)
        return x

    def read(self, cache, ids):
        """Appends a text and answers the logits of its last token."""
        inner = self.language_model.model
        x = inner.embed_tokens(ids)
        positions = torch.arange(cache.position, cache.position + ids.shape[0])
        x = self.through(x, Step(self.config, cache, positions, x.dtype, causal=True, append=True))
        cache.position += ids.shape[0]
        return self.language_model.lm_head(inner.norm(x[-1:]))[0]

    def velocity(self, cache, x, t, side, max_side, markers):
        """Velocities of latent tokens between their markers; the cache only supplies the past."""
        inner = self.language_model.model
        text = inner.embed_tokens(torch.tensor(markers))
        rows = torch.arange(side)
        places = (rows[:, None] * max_side + rows).flatten()
        time = self.time_embedder.mlp(training.time_features(torch.tensor([t])).to(text.dtype))
        latents = self.vae2llm(x.to(text.dtype)) + time + self.latent_pos_embed.pos_embed[places]
        count = side * side
        und, gen = torch.tensor([0, count + 1]), torch.arange(1, count + 1)
        sequence = text.new_zeros(count + 2, text.shape[1])
        sequence[und], sequence[gen] = text, latents
        positions = torch.full((count + 2,), cache.position)
        step = Step(self.config, cache, positions, text.dtype, causal=False, append=False, und=und, gen=gen)
        return self.llm2vae(inner.norm_moe_gen(self.through(sequence, step)[gen])).float()


def guide(v, u, scale):
    """Guidance with the norm of the conditional velocity over everything."""
    g = u + scale * (v - u)
    return g * (v.norm() / (g.norm() + 1e-8)).clamp(0, 1)
