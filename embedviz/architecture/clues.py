"""What tensor names look like when no architecture of transformers has them, in words for the person."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SEEN = 20_000

#: The first pattern found in a file's names says what the file looks like.
CLUES: tuple[tuple[str, str], ...] = (
    (r"lora_[AB]\b|lora_(up|down)\.|lora_embedding", "a LoRA adapter: only the changes to a base model, not the model"),
    (r"\.(qweight|qzeros|SCB|absmax|quant_map)$", "weights quantised for a GPU"),
    (
        r"(^|\.)(down_blocks|up_blocks|mid_block)\.",
        "a part of an image generator of diffusers (a UNet or an autoencoder)",
    ),
    (
        r"^(first_stage_model|model\.diffusion_model|cond_stage_model)\.",
        "a Stable Diffusion checkpoint of its own format",
    ),
    (r"(^|\.)visual\..*(resblocks|trunk|conv1|attnpool)|^transformer\.resblocks\.", "a CLIP model of open_clip"),
    (r"(^|\.)blocks\.\d+\.attn\.qkv\.", "a vision transformer of timm"),
    (r"(^|\.)layers\.\d+\.blocks\.\d+\.attn\.qkv\.", "a Swin transformer of timm"),
    (r"(^|\.)stages\.\d+\.blocks\.\d+\.", "a convolutional network of timm"),
    (r"^model\.(model\.)?\d+\.(conv|cv1|cv2|m)\b|^model\.\d+\.(conv|bn)\.", "a YOLO detector"),
    (r"(^|\.)layer[1-4]\.\d+\.(conv|bn)\d\.", "a ResNet of torchvision or timm"),
    (
        r"(^|\.)features\.(0\.0|conv0|denseblock\d|\d+\.conv)\b",
        "a convolutional network of torchvision (such as MobileNet)",
    ),
    (r"(^|\.)(features|classifier)\.\d+\.weight$", "a convolutional network of torchvision (such as VGG)"),
    (r"(^|\.)_blocks\.\d+\._(depthwise|project|expand)_conv", "an EfficientNet"),
    (r"encoder\.sentence_encoder\.layers\.|decoder\.sentence_encoder\.", "a model of fairseq"),
    (r"language_model\.(encoder|transformer)\.layers\.\d+\.(self_attention|input_layernorm)", "a model of Megatron"),
    (r"^layers\.\d+\.attention\.w[qkvo]\.|^tok_embeddings\.", "a Llama in its original format"),
    (r"^(blk\.\d+\.|token_embd\.)", "tensors named as in a GGUF file"),
    (r"kernel(:0)?$|moving_mean(:0)?$|/(kernel|gamma|beta)", "weights of Keras or TensorFlow"),
    (r"(weight|bias)_(ih|hh)_l\d", "a recurrent network (LSTM or GRU) of PyTorch"),
    (r"(^|\.)(self_attn|multihead_attn)\.in_proj_weight$", "a transformer made of torch.nn's own layers"),
    (r"^(module\.)?\d+\.(weight|bias)$", "a plain nn.Sequential of PyTorch"),
    (
        r"^(fc|conv|linear|lin|bn|embedding)\w*\.(weight|bias)$",
        "a small network somebody defined in a class of their own",
    ),
)
_COMPILED = tuple((re.compile(expression), words) for expression, words in CLUES)


def looks_like(names: Iterable[str]) -> str:
    """What the names look like ("a vision transformer of timm"), or "" where they say nothing."""
    kept = [name[:300] for name, _ in zip(names, range(_SEEN), strict=False)]
    for expression, words in _COMPILED:
        if any(expression.search(name) for name in kept):
            return words
    return ""
