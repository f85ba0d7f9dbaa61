"""Pictures per second of a reward tower in PyTorch: NAME FOLDER BATCH PASSES."""

import sys
import time

import torch
from safetensors.torch import load_file
from transformers import BlipForQuestionAnswering, CLIPModel, Dinov2Model

name, folder, batch, passes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


def alexnet_taps(weights, x):
    taps = []
    for index, stride, pad, pooled in [(0, 4, 2, False), (3, 1, 2, True), (6, 1, 1, True), (8, 1, 1, False), (10, 1, 1, False)]:
        if pooled:
            x = torch.nn.functional.max_pool2d(x, 3, 2)
        w, b = weights[f"features.{index}.weight"], weights[f"features.{index}.bias"]
        x = torch.relu(torch.nn.functional.conv2d(x, w, b, stride, pad))
        taps.append(x)
    return taps


def questions(model, x):
    # Three questions of eight tokens and seven new ones, as the other side does; the picture is encoded once for each.
    ids = torch.arange(4, 12).repeat(3 * batch, 1)
    states = model.vision_model(pixel_values=x)[0].repeat_interleave(3, 0)
    encoded = model.text_encoder(input_ids=ids, encoder_hidden_states=states, return_dict=True)[0]
    start = torch.full((3 * batch, 1), model.config.text_config.bos_token_id)
    return model.text_decoder.generate(
        input_ids=start, encoder_hidden_states=encoded, max_length=8, min_length=8, do_sample=False
    )


with torch.inference_mode():
    if name == "clip":
        model = CLIPModel.from_pretrained(folder).eval()
        run, side = (lambda x: model.get_image_features(pixel_values=x)), 224
    elif name == "dino":
        model = Dinov2Model.from_pretrained(folder).eval()
        run, side = (lambda x: model(pixel_values=x)), 224
    elif name == "blip":
        model = BlipForQuestionAnswering.from_pretrained(folder).eval()
        run, side = (lambda x: questions(model, x)), 384
    else:
        weights = load_file(f"{folder}/model.safetensors")
        run, side = (lambda x: alexnet_taps(weights, x)), 512
    pixels = torch.sin(torch.arange(batch * 3 * side * side, dtype=torch.float32)).reshape(batch, 3, side, side)
    run(pixels)
    best = float("inf")
    for _ in range(passes):
        start = time.perf_counter()
        run(pixels)
        best = min(best, time.perf_counter() - start)
    print(batch / best)
