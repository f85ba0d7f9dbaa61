"""The inputs of the cases: the numbers of bench/values.mjs."""

import numpy as np
import torch

PERIOD = 1_000_003
SAMPLES = 64


def _uniform(seed, count):
    x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1)
    x += np.uint32((seed + 1) * 0x85EBCA6B & 0xFFFFFFFF)
    x ^= x >> 16
    x *= np.uint32(0x7FEB352D)
    x ^= x >> 15
    x *= np.uint32(0x846CA68B)
    x ^= x >> 16
    return x / 2.0**32


def input_tensor(spec, seed):
    shape = spec["shape"]
    size = int(np.prod(shape))
    if spec["dtype"] == "int32":
        return (torch.arange(size) // spec["group"]).reshape(shape)
    low, high = spec.get("range", (-1, 1))
    fresh = (low + (high - low) * _uniform(seed, min(size, PERIOD))).astype(np.float32)
    values = torch.from_numpy(np.resize(fresh, size)).reshape(shape)
    return values.bfloat16() if spec["dtype"] == "bf16" else values


def sampled(values):
    """Values at evenly spaced places, by which results of different peers are compared."""
    flat = values.detach().reshape(-1)
    places = [i * (flat.numel() - 1) // (SAMPLES - 1) for i in range(SAMPLES)]
    return flat[places].float().tolist()
