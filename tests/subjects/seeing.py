"""Small random models that look at a picture and read a text, with their processors, all made in memory."""

from __future__ import annotations

import numpy as np
import torch
import transformers
from PIL import Image
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from lrpwidgets.subjects import describe, reviews

NARROW = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
SEER = {**NARROW, "image_size": 32, "patch_size": 8}
PLACES = {"max_position_embeddings": 60}
QUESTIONS = ["What is in the picture?", "How many red things are there?", "Is it dull?"]
CORPUS = [*QUESTIONS * 20, *reviews.reviews(100, 0)]
ANSWERS = {0: "yes", 1: "no", 2: "two", 3: "a ring"}
TALK = (
    "{{ bos_token }}{% for message in messages %}USER: {% for part in message['content'] %}{% if part['type'] == "
    "'image' %}<image>\n{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)


def wordpiece():
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    made.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=150, special_tokens=special))
    made.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 2), ("[SEP]", 3)]
    )
    names = zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), special, strict=True)
    kinds = ["input_ids", "token_type_ids", "attention_mask"]
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, model_input_names=kinds, **dict(names))


def bytes_with_pictures(mark="<image>"):
    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    letters, special = pre_tokenizers.ByteLevel.alphabet(), ["<s>", "<pad>", "</s>", "<image>"]
    made.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=340, special_tokens=special, initial_alphabet=letters)
    )
    made.post_processor = processors.TemplateProcessing("<s> $A", None, [("<s>", 0)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", pad_token="<pad>", eos_token="</s>",
        extra_special_tokens={"image_token": mark} if mark else {},
    )  # fmt: skip


def clip_eye(size=32):
    return transformers.CLIPImageProcessor(size={"shortest_edge": size}, crop_size={"height": size, "width": size})


def _model(kind, config, **settings):
    torch.manual_seed(0)
    made = getattr(transformers, kind)(getattr(transformers, config)(**settings)).eval()
    for each in made.parameters():  # small ones would hide what is wrong
        if each.dim() > 1:
            torch.nn.init.normal_(each, std=0.15)
    return made


def vilt():
    tokenizer = wordpiece()
    eye = transformers.ViltImageProcessor(size={"shortest_edge": 32}, size_divisor=8)
    label2id = {name: number for number, name in ANSWERS.items()}
    model = _model(
        "ViltForQuestionAnswering", "ViltConfig", **SEER, **PLACES, vocab_size=len(tokenizer), id2label=ANSWERS,
        label2id=label2id,
    )  # fmt: skip
    return model, transformers.ViltProcessor(eye, tokenizer)


def blip():
    tokenizer = wordpiece()
    eye = transformers.BlipImageProcessor(size={"height": 32, "width": 32})
    text = {**NARROW, **PLACES, "vocab_size": len(tokenizer), "encoder_hidden_size": 32, "pad_token_id": 0}
    model = _model("BlipForImageTextRetrieval", "BlipConfig", text_config=text, vision_config=SEER)
    return model, transformers.BlipProcessor(eye, tokenizer)


def llava(talk=None, size=32, mark=3):
    tokenizer = bytes_with_pictures()
    text = {"model_type": "llama", **NARROW, **PLACES, "vocab_size": len(tokenizer), "pad_token_id": 1}
    model = _model(
        "LlavaForConditionalGeneration", "LlavaConfig", vision_config={"model_type": "clip_vision_model", **SEER},
        text_config=text, image_token_id=mark,
    )  # fmt: skip
    processor = transformers.LlavaProcessor(
        clip_eye(size), tokenizer, patch_size=8, vision_feature_select_strategy="default", chat_template=talk,
        num_additional_image_tokens=1,
    )  # fmt: skip
    return model, processor


def paligemma():
    tokenizer = bytes_with_pictures()
    eye = transformers.SiglipImageProcessor(size={"height": 32, "width": 32})
    eye.image_seq_length = 16
    processor = transformers.PaliGemmaProcessor(eye, tokenizer)
    text = {"model_type": "gemma", "head_dim": 16, **NARROW, "num_key_value_heads": 2, "vocab_size": len(tokenizer)}
    model = _model(
        "PaliGemmaForConditionalGeneration", "PaliGemmaConfig", projection_dim=32, text_config=text,
        vision_config={"model_type": "siglip_vision_model", **SEER, "projection_dim": 32}, image_token_id=3,
    )  # fmt: skip
    return model, processor


def blip_2():
    tokenizer = bytes_with_pictures("")
    eye = transformers.BlipImageProcessor(size={"height": 32, "width": 32})
    processor = transformers.Blip2Processor(eye, tokenizer, num_query_tokens=4)
    query = {**NARROW, "vocab_size": 50, "encoder_hidden_size": 32, "cross_attention_frequency": 1}
    text = {"model_type": "opt", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "ffn_dim": 48}
    text |= {**PLACES, "vocab_size": len(tokenizer), "word_embed_proj_dim": 32, "pad_token_id": 1}
    model = _model(
        "Blip2ForConditionalGeneration", "Blip2Config", vision_config=SEER, qformer_config=query, text_config=text,
        num_query_tokens=4, image_token_index=3,
    )  # fmt: skip
    return model, processor


def git():
    tokenizer = wordpiece()
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    model = _model("GitForCausalLM", "GitConfig", vision_config=SEER, **NARROW, **PLACES, vocab_size=len(tokenizer))
    return model, transformers.GitProcessor(clip_eye(), tokenizer)


def clip():
    tokenizer = wordpiece()
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    text = {**NARROW, **PLACES, "vocab_size": len(tokenizer), "eos_token_id": 3, "pad_token_id": 0}
    model = _model("CLIPModel", "CLIPConfig", text_config=text, vision_config=SEER)
    return model, transformers.CLIPProcessor(clip_eye(), tokenizer)


def siglip():
    tokenizer = wordpiece()
    tokenizer.model_input_names = ["input_ids"]
    eye = transformers.SiglipImageProcessor(size={"height": 32, "width": 32})
    text = {**NARROW, **PLACES, "vocab_size": len(tokenizer), "pad_token_id": 0}
    model = _model("SiglipModel", "SiglipConfig", text_config=text, vision_config=SEER)
    return model, transformers.SiglipProcessor(eye, tokenizer)


def gemma3():
    marks = {"image_token": "<image>", "boi_token": "<begin>", "eoi_token": "<end>"}
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=bytes_with_pictures().backend_tokenizer, bos_token="<s>", pad_token="<pad>",
        eos_token="</s>", extra_special_tokens=marks,
    )  # fmt: skip
    eye = transformers.Gemma3ImageProcessor(size={"height": 32, "width": 32})
    text = {"model_type": "gemma3_text", "head_dim": 16, **NARROW, **PLACES, "num_key_value_heads": 2}
    model = _model(
        "Gemma3ForConditionalGeneration", "Gemma3Config", text_config={**text, "vocab_size": len(tokenizer)},
        vision_config={"model_type": "siglip_vision_model", **SEER}, image_token_id=3, mm_tokens_per_image=4,
    )  # fmt: skip
    return model, transformers.Gemma3Processor(eye, tokenizer, image_seq_length=4)


def florence2():
    tokenizer = bytes_with_pictures()
    eye = transformers.CLIPImageProcessor(size={"height": 32, "width": 32}, do_center_crop=False)
    eye.image_seq_length = 17
    vision = {"embed_dim": [16, 32], "depths": [1, 1], "num_heads": [2, 2], "num_groups": [2, 2]}
    vision |= {"patch_size": [3, 3], "patch_stride": [4, 2], "patch_padding": [1, 1], "patch_prenorm": [False, True]}
    vision |= {"window_size": 2, "projection_dim": 32, "max_temporal_embeddings": 4, "max_position_embeddings": 8}
    each = {f"{side}_{what}": size for side in ("encoder", "decoder") for what, size in
            (("layers", 1), ("attention_heads", 2), ("ffn_dim", 48))}  # fmt: skip
    text = {"model_type": "bart", "d_model": 32, **PLACES, "vocab_size": len(tokenizer), "pad_token_id": 1, **each}
    settings = {"vision_config": vision, "text_config": text, "image_token_id": 3}
    model = _model("Florence2ForConditionalGeneration", "Florence2Config", **settings)
    return model, transformers.Florence2Processor(eye, tokenizer, num_additional_image_tokens=1)


MADE = {
    "vilt": vilt, "blip": blip, "llava": llava, "llava that talks": lambda: llava(TALK), "paligemma": paligemma,
    "blip-2": blip_2, "git": git, "clip": clip,
    "siglip": siglip, "gemma3": gemma3, "florence2": florence2,
}  # fmt: skip


def picture(seed=0, size=(48, 40)):
    """Coloured noise, coarse enough to survive that it is made smaller."""
    random = np.random.default_rng(seed)
    return Image.fromarray(random.integers(0, 255, (5, 6, 3), np.uint8)).resize(size)


def pairs():
    return [(picture(number), text) for number, text in enumerate(QUESTIONS)]


def subject():
    """A model that goes on with a chat about a picture, for a page."""
    model, processor = llava(TALK)
    return describe(model, pairs(), tokenizer=processor)
