"""The autoencoder of `model.py`: [N, C, H, W] throughout."""

import math

import torch
import torch.nn.functional as F
from model import VAE, weight

WIDTHS = [m * VAE["channels"] for m in VAE["multipliers"]]


def conv(x, name, out, size=3, **how):
    how = how or {"padding": size // 2}
    return F.conv2d(x, weight(f"{name}.weight", out, x.shape[1], size, size), weight(f"{name}.bias", out), **how)


def norm(x, name):
    channels = x.shape[1]
    return F.group_norm(x, VAE["groups"], weight(f"{name}.weight", channels), weight(f"{name}.bias", channels), 1e-6)


def res_block(x, name, out):
    h = conv(F.silu(norm(x, f"{name}.norm1")), f"{name}.conv1", out)
    h = conv(F.silu(norm(h, f"{name}.norm2")), f"{name}.conv2", out)
    return h + (x if x.shape[1] == out else conv(x, f"{name}.nin_shortcut", out, 1))


def attention(x, name):
    _, channels, height, width = x.shape
    h = norm(x, f"{name}.norm")
    q, k, v = (conv(h, f"{name}.{part}", channels, 1).flatten(2).transpose(1, 2) for part in "qkv")
    y = (q @ k.transpose(1, 2) / math.sqrt(channels)).softmax(-1) @ v
    return x + conv(y.transpose(1, 2).reshape(1, channels, height, width), f"{name}.proj_out", channels, 1)


def middle(x, name):
    x = attention(res_block(x, f"{name}.block_1", x.shape[1]), f"{name}.attn_1")
    return res_block(x, f"{name}.block_2", x.shape[1])


def encode(image):
    """Mean and log-variance of the latents of a picture in [-1, 1]."""
    x = conv(image, "encoder.conv_in", VAE["channels"])
    for level, width in enumerate(WIDTHS):
        for block in range(VAE["blocks"]):
            x = res_block(x, f"encoder.down.{level}.block.{block}", width)
        if level < len(WIDTHS) - 1:
            x = conv(F.pad(x, (0, 1, 0, 1)), f"encoder.down.{level}.downsample.conv", width, stride=2)
    x = F.silu(norm(middle(x, "encoder.mid"), "encoder.norm_out"))
    return conv(x, "encoder.conv_out", 2 * VAE["latent"]).chunk(2, 1)


def scaled(latent):
    return VAE["scale"] * (latent - VAE["shift"])


def decode(latent):
    """The picture of scaled latents."""
    x = middle(conv(latent / VAE["scale"] + VAE["shift"], "decoder.conv_in", WIDTHS[-1]), "decoder.mid")
    for level in reversed(range(len(WIDTHS))):
        for block in range(VAE["blocks"] + 1):
            x = res_block(x, f"decoder.up.{level}.block.{block}", WIDTHS[level])
        if level > 0:
            x = conv(F.interpolate(x, scale_factor=2, mode="nearest"), f"decoder.up.{level}.upsample.conv", WIDTHS[level])
    return conv(F.silu(norm(x, "decoder.norm_out")), "decoder.conv_out", 3)


def eight_bit(picture):
    """[H, W, 3], truncated."""
    return (((picture[0] + 1) / 2).clamp(0, 1) * 255).to(torch.uint8).permute(1, 2, 0).contiguous()
