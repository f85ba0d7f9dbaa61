"""Scaled dot-product attention over a packed row, with the dense mask that PyTorch needs."""

import torch
from measure import Variant
from torch.nn.functional import scaled_dot_product_attention

FULL, NOISE = 1, 2


def dense_mask(row):
    """bool [T, T]: which key (column) a query (row) may see; None when it may see all."""
    if row is None:
        return None
    sample, split, order, mode = (torch.tensor(row[name]) for name in ("sample", "split", "order", "mode"))
    own_image = (split[:, None] == split[None, :]) & (mode >= FULL)[None, :]
    earlier = (order[None, :] <= order[:, None]) & (mode != NOISE)[None, :]
    return (sample[:, None] == sample[None, :]) & (own_image | earlier)


def _additive(mask, dtype):
    return torch.zeros(mask.shape, dtype=dtype).masked_fill(~mask, float("-inf"))


def _by_head(x):
    """[T, H, D] → [1, H, T, D], contiguous."""
    return x.transpose(0, 1).contiguous()[None]


def _ours(y):
    return y[0].transpose(0, 1)


def _ways(args, q, k, v):
    """(name, function of q, k, v) for each mask and each way to share key heads."""
    mask = dense_mask(args.get("row"))
    masks = (
        {"no mask": None}
        if mask is None
        else {"bool mask": mask, "bf16 mask": _additive(mask, q.dtype), "f32 mask": _additive(mask, torch.float32)}
    )
    group = q.shape[1] // k.shape[1]

    def shared(mask):
        return lambda q, k, v: scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)

    def repeated(mask):
        def attend(q, k, v):
            k, v = (x.repeat_interleave(group, dim=1) for x in (k, v))
            return scaled_dot_product_attention(q, k, v, attn_mask=mask)

        return attend

    for name, each in masks.items():
        yield f"{name}, enable_gqa", shared(each)
        yield f"{name}, repeated keys", repeated(each)


def attention(args, q, k, v):
    q, k, v = map(_by_head, (q, k, v))

    def way(name, attend):
        def once():
            with torch.no_grad():
                return attend(q, k, v)

        return Variant(name, once, lambda y: [_ours(y)])

    return _supported(way(*each) for each in _ways(args, q, k, v))


def attention_both(args, q, k, v, dy):
    q, k, v, dy = map(_by_head, (q, k, v, dy))
    inputs = [x.requires_grad_() for x in (q, k, v)]

    def way(name, attend):
        once = lambda: torch.autograd.grad(attend(*inputs), inputs, dy)  # noqa: E731
        return Variant(name, once, lambda grads: [_ours(g) for g in grads])

    return _supported(way(*each) for each in _ways(args, q, k, v))


def _supported(variants):
    """Without the variants that this PyTorch refuses, for example a mask of another type than q."""

    def works(variant):
        try:
            variant.once()
            return True
        except RuntimeError:
            return False

    return [variant for variant in variants if works(variant)]
