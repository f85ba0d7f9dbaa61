"""Scaled dot-product attention over a packed row, with the dense mask that PyTorch needs."""

import torch
from directions import directions
from torch.nn.functional import scaled_dot_product_attention

FULL, NOISE = 1, 2


def dense_mask(row):
    """bool [T, T]: which key (column) a query (row) may see."""
    sample, split, order, mode = (torch.tensor(row[name]) for name in ("sample", "split", "order", "mode"))
    own_image = (split[:, None] == split[None, :]) & (mode >= FULL)[None, :]
    earlier = (order[None, :] <= order[:, None]) & (mode != NOISE)[None, :]
    return (sample[:, None] == sample[None, :]) & (own_image | earlier)


def _masks(row, dtype):
    """The same mask in each form that PyTorch takes; none when every token sees all."""
    mask = dense_mask(row)
    if mask.all():
        return {"no mask": None}
    additive = {
        name: torch.zeros(mask.shape, dtype=each).masked_fill(~mask, float("-inf"))
        for name, each in {"mask of the type of q": dtype, "f32 mask": torch.float32}.items()
    }
    return {"bool mask": mask, **additive}


def _shared_keys(mask):
    return lambda q, k, v: scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)


def _repeated_keys(mask):
    def attend(q, k, v):
        group = q.shape[1] // k.shape[1]
        k, v = (x.repeat_interleave(group, dim=1) for x in (k, v))
        return scaled_dot_product_attention(q, k, v, attn_mask=mask)

    return attend


def attention(args, *tensors):
    by_head = [x.transpose(0, 1).contiguous()[None] for x in tensors]  # [T, H, D] → [1, H, T, D]

    def way(name, attend):
        return directions(args, name, attend, by_head, layout=lambda y: y[0].transpose(0, 1))

    ways = [
        way(f"{name}, {keys}", share(mask))
        for name, mask in _masks(args["row"], by_head[0].dtype).items()
        for keys, share in {"enable_gqa": _shared_keys, "repeated keys": _repeated_keys}.items()
    ]
    return [each for each in ways if _works(each)]


def _works(variant):
    """False for what this PyTorch refuses, for example a mask of another type than q."""
    try:
        variant.once()
        return True
    except RuntimeError:
        return False
