"""GRPO written with ordinary tensor ops, as trainers in PyTorch write it."""

import torch
from directions import directions
from measure import Variant


def grpo_advantage(args, rewards, groups):
    """Groups stand together and have equal sizes here, so a view does; group numbers are not needed."""

    def once():
        grid = rewards.view(-1, args["group"])
        centred = grid - grid.mean(1, keepdim=True)
        return (centred / (grid.std(1, correction=0, keepdim=True) + args["epsilon"])).view(-1)

    return [Variant("view by group", once)]


def grpo_loss(args, *tensors):
    def loss(log_prob, old_log_prob, advantage):
        advantage = advantage.clamp(-args["advantageClip"], args["advantageClip"])
        ratio = torch.exp(log_prob - old_log_prob)
        clipped = ratio.clamp(1 - args["clipLow"], 1 + args["clipHigh"])
        return torch.maximum(-advantage * ratio, -advantage * clipped)

    return [directions(args, "composition", loss, tensors, trained=1)]
