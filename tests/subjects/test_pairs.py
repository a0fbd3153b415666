"""Models of transformers that look at a picture and read a text, small and random, as subjects with a page."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

transformers = pytest.importorskip("transformers")

from lrpwidgets import subjects  # noqa: E402
from lrpwidgets.lrp import Explainer  # noqa: E402
from lrpwidgets.subjects import Stroke, describe  # noqa: E402
from lrpwidgets.subjects.modality import modality_of  # noqa: E402
from lrpwidgets.subjects.texts.levels import cells, items  # noqa: E402
from tests.subjects import seeing  # noqa: E402
from tests.subjects.seeing import MADE, QUESTIONS, TALK, pairs, picture  # noqa: E402

PROMPTS = {
    "llava": "<image>\n{}",
    "llava that talks": "<s>USER: <image>\n{} ASSISTANT:",
    "paligemma": "<image>{}",
    "gemma3": "<begin>\n{}",
}
"""What stands around a question, for a processor alone."""


@pytest.fixture(scope="module")
def made():
    """Models and processors by name, each made once."""
    found = {}

    def one(name):
        if name not in found:
            found[name] = MADE[name]()
        return found[name]

    return one


@pytest.fixture(scope="module")
def llava(made):
    return describe(made("llava")[0], pairs(), tokenizer=made("llava")[1])


def own_inputs(name, processor, image, question):
    """What a person gives to the model in Python."""
    begins = {"add_special_tokens": False} if name == "llava that talks" else {}
    text = PROMPTS.get(name, "{}").format(question)
    inputs = processor(images=image, text=text, return_tensors="pt", **begins)
    begins = {"decoder_input_ids": torch.tensor([[2]])} if name == "florence2" else {}
    return {key: x for key, x in inputs.items() if key != "labels"} | begins


@pytest.mark.parametrize("name", MADE)
def test_scores_and_relevance_are_those_of_the_model_and_its_processor(made, name):
    model, processor = made(name)
    subject = describe(model, pairs(), tokenizer=processor)
    shown = modality_of(subject).sample(subject, 1)
    inputs = own_inputs(name, processor, picture(1), QUESTIONS[1])
    constants = [each for each in inputs if each.startswith("decoder")]  # how an answer begins is no question
    own = Explainer(model, constants=constants).explain(inputs)
    explanation = subject.explainer().explain(shown.x)
    torch.testing.assert_close(explanation.scores, own.scores)
    pixels, tokens = explanation.relevance
    torch.testing.assert_close(pixels, own.relevance["pixel_values"], rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(tokens, own.relevance["input_ids"], rtol=1e-4, atol=1e-6)
    assert explanation.ledger.imbalance < 1e-5
    assert pixels.abs().max() > 1e-4
    assert subject.modality == "image and text"


@pytest.mark.parametrize("name", MADE)
def test_tokens_stand_in_the_question_and_what_is_around_it_is_added(made, name):
    model, processor = made(name)
    encoded = describe(model, pairs(), tokenizer=processor).tokenizer.encode(f"  {QUESTIONS[1]}\n")
    assert encoded.text == f"  {QUESTIONS[1]}\n"
    own = [encoded.text[start:end] for start, end in encoded.spans if end > start]
    assert "".join(own) == QUESTIONS[1].replace(" ", "")
    assert {encoded.text[slice(*span)] for span in encoded.words} == {*QUESTIONS[1][:-1].split(), "?"}
    assert all(each for each in map(encoded.tokens_of, range(len(encoded.words))))
    inputs = own_inputs(name, processor, picture(1), QUESTIONS[1])
    assert encoded.ids == tuple(inputs["input_ids"][0].tolist())


@pytest.mark.parametrize("name", MADE)
def test_a_batch_of_two_lengths_has_the_scores_of_each_alone(made, name):
    model, processor = made(name)
    subject = describe(model, pairs(), tokenizer=processor)
    modality, explainer = modality_of(subject), subject.explainer()
    shown = [modality.sample(subject, number) for number in range(3)]
    alone = torch.cat([explainer.scores(each.x) for each in shown])
    torch.testing.assert_close(explainer.scores(modality.batch(shown)), alone, rtol=1e-4, atol=1e-5)
    assert not any("padding" in note for note in subject.notes)


@pytest.mark.parametrize("name", MADE)
def test_a_word_that_is_hidden_does_not_end_the_text(made, name):
    model, processor = made(name)
    subject = describe(model, pairs(), tokenizer=processor)
    pixels, tokens = (each[None] for each in subject.item(0)[0])
    words = modality_of(subject).sample(subject, 0).text.word_of
    hidden = tokens.index_fill(1, torch.tensor(words.index(1)), -1)
    given = subject.model.inputs(pixels, hidden)
    with torch.no_grad():
        places, _ = subject.model._places(hidden)
        assert places.get("logits_to_keep", torch.tensor([tokens.shape[1] - 1])).tolist() == [tokens.shape[1] - 1]
        longer = torch.nn.functional.pad(hidden, (0, 2), value=-1)
        torch.testing.assert_close(
            subject.explainer().scores((pixels, longer)),
            subject.explainer().scores((pixels, hidden)),
            atol=1e-4,
            rtol=1e-4,
        )
    assert given["attention_mask"].sum() == tokens.shape[1] - 1


def test_the_tokens_of_a_picture_are_one_item(llava):
    encoded = llava.tokenizer.encode(QUESTIONS[0])
    relevance = np.random.default_rng(0).normal(size=len(encoded)).tolist()
    walked = items(encoded)
    assert [item.texts[0] for item in walked[:3]] == ["<s>", "<image>×16", "⏎"]
    assert walked[1].places == tuple(range(1, 17))
    assert walked[1].sink
    for level in ("token", "word", "sentence"):
        found = cells(encoded, relevance, level)
        assert found[1].text == "<image>×16"
        assert found[1].relevance == pytest.approx(sum(relevance[1:17]))
        assert sum(cell.relevance for cell in cells(encoded, relevance, level, sinks=False)) == pytest.approx(
            sum(relevance)
        )


def test_short_rows_of_added_tokens_stay_apart(made):
    model, processor = made("llava that talks")
    encoded = describe(model, pairs(), tokenizer=processor).tokenizer.encode("Is it?")
    names = [item.texts[0] for item in items(encoded) if item.word < 0]
    assert names == [
        *["<s>", "U", "S", "E", "R", ":", "▁", "<image>×16", "⏎", "▁", "A", "S", "S", "I", "S", "T", "A", "N", "T", ":"]
    ]


def test_pictures_come_from_outside_and_are_seen_as_the_processor_sees_them(made):
    model, processor = made("llava")
    subject = describe(model, pairs(), tokenizer=processor)
    wide = picture(7, (90, 60))
    expected = processor.image_processor(wide, return_tensors="pt")["pixel_values"][0]
    torch.testing.assert_close(subject.from_image(wide), expected)
    assert (subject.crop.share, subject.crop.ratio) == (1, 1)
    exact = picture(7, (32, 32))
    difference = np.asarray(subject.to_image(subject.from_image(exact))).astype(int) - np.asarray(exact)
    assert np.abs(difference).max() <= 1
    white = subject.from_image(Image.new("RGB", (32, 32), "white"))
    torch.testing.assert_close(white[:, 0, 0], torch.tensor(subject.bounds[1]))


def test_a_question_is_typed_struck_and_the_picture_painted_over(llava):
    modality = modality_of(llava)
    shown = modality.sample(llava, 0)
    typed = modality.typed(llava, shown, "Is it red?")
    assert torch.equal(typed.x[0], shown.x[0])
    assert typed.x[1].tolist() == [list(llava.tokenizer.encode("Is it red?").ids)]
    changed = modality.changed(llava, typed, (Stroke("grey", 3, ((10.0, 10.0),)), 2))
    assert not torch.equal(changed.x[0], shown.x[0])
    assert changed.text.struck == {2}
    assert changed.x[1].tolist() == [list(llava.tokenizer.encode("Is it?").ids)]
    assert changed.text.tokens_of(2) == []
    assert changed.text.tokens_of(3) == [len(changed.text) - 1]


FORMS = {
    "a pair": lambda image, file: (image, QUESTIONS[0], "no"),
    "pairs": lambda image, file: [(image, QUESTIONS[0], 1)],
    "a list": lambda image, file: [[image, QUESTIONS[0], "no"]],
    "a path": lambda image, file: [(file, QUESTIONS[0], "no")],
    "a path as text": lambda image, file: [(str(file), QUESTIONS[0], "no")],
    "an array": lambda image, file: [(np.asarray(image), QUESTIONS[0], "no")],
    "a tensor": lambda image, file: [(torch.tensor(np.asarray(image)).permute(2, 0, 1), QUESTIONS[0], "no")],
    "columns": lambda image, file: {"image": [image], "text": [QUESTIONS[0]], "label": ["no"]},
    "dictionaries": lambda image, file: [{"image": image, "question": QUESTIONS[0], "answer": "no"}],
}


@pytest.mark.parametrize("form", FORMS)
def test_pairs_come_in_any_form(made, form, tmp_path):
    picture(0).save(file := tmp_path / "a.png")
    model, processor = made("vilt")
    subject = describe(model, FORMS[form](picture(0), file), tokenizer=processor)
    (pixels, tokens), label = subject.dataset[0]
    torch.testing.assert_close(pixels, subject.from_image(picture(0)))
    assert (label, subject.classes) == (1, ["yes", "no", "two", "a ring"])
    assert tokens.tolist() == list(subject.tokenizer.encode(QUESTIONS[0]).ids)


class Decoding:
    """A data set that decodes its pictures when they are asked for, as those of Hugging Face do."""

    def __init__(self, count):
        self.column_names = ["image", "question", "label"]
        self.count, self.decoded = count, []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if isinstance(index, str):
            return {"question": [QUESTIONS[0]] * self.count, "label": [2] * self.count}[index]
        self.decoded.append(index)
        return {"image": picture(index), "question": QUESTIONS[0], "label": 2}


def test_a_large_data_set_is_decoded_only_where_it_is_looked_at(made):
    data = Decoding(1000)
    subject = describe(made("vilt")[0], data, tokenizer=made("vilt")[1])
    assert len(subject.dataset) == 1000
    assert len(data.decoded) < 20
    (pixels, _), label = subject.dataset[999]
    torch.testing.assert_close(pixels, subject.from_image(picture(999)))
    assert label == 2
    with pytest.raises(ValueError, match="There are 1 pictures, 2 texts and 2 labels"):
        describe(made("vilt")[0], {"image": [1], "text": QUESTIONS[:2]}, tokenizer=made("vilt")[1])


def test_classes_are_answers_matches_or_pieces(made):
    assert describe(made("vilt")[0], pairs(), tokenizer=made("vilt")[1]).classes == list(seeing.ANSWERS.values())
    assert describe(made("blip")[0], pairs(), tokenizer=made("blip")[1]).classes == ["no match", "match"]
    assert describe(made("clip")[0], pairs(), tokenizer=made("clip")[1]).classes == ["match"]
    labelled = [(picture(0), QUESTIONS[0], "yes")]
    subject = describe(made("llava")[0], labelled, tokenizer=made("llava")[1])
    assert subject.classes[3] == "<image>"
    assert subject.dataset.labels == [None]
    assert "Labels are left out: the model's classes are pieces of its vocabulary." in subject.notes


def test_a_prompt_of_ones_own_stands_around_each_question(made):
    model, processor = made("llava")
    subject = describe(model, pairs(), tokenizer=processor, prompt="<image>\nQuestion: {} Answer:")
    expected = processor(images=picture(), text="<image>\nQuestion: Is it? Answer:")["input_ids"][0]
    encoded = subject.tokenizer.encode("Is it?")
    assert list(encoded.ids) == list(expected)
    assert encoded.text[slice(*encoded.spans[encoded.tokens_of(0)[0]])] == "Is"
    assert "A text stands in the prompt '<image>\\nQuestion: {} Answer:'." in subject.notes
    with pytest.raises(ValueError, match=r"prompt is 'Answer:'; it needs one {}"):
        describe(model, pairs(), tokenizer=processor, prompt="Answer:")


def test_without_pairs_pictures_come_by_upload_only(made):
    model, processor = made("blip")
    subject = describe(model, tokenizer=processor)
    assert len(subject.dataset) == 0
    assert subject.classes == ["no match", "match"]


def test_one_broken_pair_does_not_hide_the_others(made, tmp_path):
    model, processor = made("vilt")
    (tmp_path / "b.png").write_bytes(b"no picture")
    subject = describe(model, [(tmp_path / "b.png", QUESTIONS[0]), *pairs()], tokenizer=processor)
    assert subject.start == 1
    with pytest.raises(ValueError, match=r"Pair 0 cannot be used: .*is no image that Pillow can read"):
        subject.dataset[0]


WRONG = {
    "a tokenizer": (pairs, lambda p: p.tokenizer, TypeError, r"needs its processor as tokenizer=.*; got Tok"),
    "none": (pairs, lambda p: None, TypeError, r"needs its processor as tokenizer=.*; there is none"),
    "an image processor": (pairs, lambda p: p.image_processor, TypeError, r"needs its processor .*CLIPImage"),
    "texts": (lambda: QUESTIONS, lambda p: p, TypeError, r"Pair 0 is \(str\); a pair is \(picture, text\)"),
    "turned round": (lambda: [(QUESTIONS[0], picture())], lambda p: p, TypeError, r"Pair 0 is \(str, Image\)"),
    "four parts": (lambda: [(picture(), "a", 1, 2)], lambda p: p, TypeError, r"Pair 0 is \(Image, str, int, int\)"),
    "keys": (lambda: [{"photo": 1, "text": "a"}], lambda p: p, TypeError, r"Pair 0 has the keys 'photo', 'text'"),
    "no picture": (lambda: [(5, "Is it?")], lambda p: p, ValueError, r"Pair 0 cannot be used: its picture is int"),
    "no file": (lambda: [("gone.png", "Is it?")], lambda p: p, ValueError, r"Pair 0 cannot be used: .*gone\.png"),
    "floats": (lambda: [(np.ones((4, 4, 3)), "Is it?")], lambda p: p, ValueError, r"array float64 \(4, 4, 3\)"),
    "too long": (lambda: [(picture(), "Is it? " * 20)], lambda p: p, ValueError, r"tokens and the model reads 60; sh"),
    "empty": (lambda: [(picture(), "  ")], lambda p: p, ValueError, r"There is no word in the text '  '"),
    "a mark": (lambda: [(picture(), "<image>Is it?")], lambda p: p, ValueError, r"has <image> in it, .* prompt='<im"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_used_is_named_with_the_way_out(made, name):
    model, processor = made("llava")
    given, chosen, kind, said = WRONG[name]
    with pytest.raises(kind, match=said):
        describe(model, given(), tokenizer=chosen(processor))


def test_a_processor_of_another_model_is_noticed(made):
    model = made("llava")[0]
    with pytest.raises(ValueError, match=r"cannot take pair 0, a picture \(3, 16, 16\) .* is the processor that"):
        describe(model, pairs(), tokenizer=seeing.llava(size=16)[1])
    with pytest.raises(ValueError, match=r"has token 5 where a picture is: LlavaProcessor puts none there"):
        describe(seeing.llava(mark=5)[0], pairs(), tokenizer=made("llava")[1])
    with pytest.raises(ValueError, match=r"The tokenizer does not fit the model: it has 3\d\d tokens .* has 150"):
        describe(made("vilt")[0], pairs(), tokenizer=transformers.ViltProcessor(
            made("vilt")[1].image_processor, made("llava")[1].tokenizer))  # fmt: skip


def test_a_processor_is_not_for_a_model_of_texts(made):
    config = transformers.BertConfig(**seeing.NARROW, vocab_size=150)
    model = transformers.BertForSequenceClassification(config)
    with pytest.raises(TypeError, match=r"takes no picture with a text; .* give tokenizer=processor\.tokenizer"):
        describe(model, pairs(), tokenizer=made("vilt")[1])


def test_tiles_and_packed_patches_are_explained_in_python_which_the_error_says(made):
    tokenizer = seeing.bytes_with_pictures()
    tiles = transformers.LlavaNextImageProcessor(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}, image_grid_pinpoints=[[32, 64], [64, 32]]
    )
    processor = transformers.LlavaNextProcessor(
        tiles, tokenizer, patch_size=8, vision_feature_select_strategy="default", num_additional_image_tokens=1
    )
    with pytest.raises(ValueError, match=r"In Python it is explained by Explainer\(model\)\.explain\(processor\("):
        describe(made("llava")[0], pairs(), tokenizer=processor)


def test_texts_alone_are_for_models_that_write_and_a_tokenizer(made):
    model, processor = made("vilt")
    for tokenizer in (None, processor.tokenizer):
        with pytest.raises(TypeError, match=r"ViltForQuestionAnswering looks at pictures .* needs its processor"):
            describe(model, QUESTIONS, tokenizer=tokenizer)


def test_a_model_is_loaded_by_its_name_and_made_again_by_its_recipe(made, tmp_path):
    model, processor = made("llava that talks")
    model.save_pretrained(tmp_path / "mine")
    processor.save_pretrained(tmp_path / "mine")
    picture(1).save(file := tmp_path / "a.png")
    subject = subjects.from_pretrained(tmp_path / "mine", [(str(file), QUESTIONS[1])])
    assert (subject.title, subject.modality) == ("mine", "image and text")
    again = eval(subject.recipe, {"subjects": subjects})
    expected = describe(model, [(picture(1), QUESTIONS[1])], tokenizer=processor)
    for each in (subject, again):
        (pixels, tokens), _ = each.dataset[0]
        x = (pixels[None], tokens[None])
        torch.testing.assert_close(each.explainer().scores(x), expected.explainer().scores(x))
    assert subjects.from_pretrained(tmp_path / "mine", [(picture(1), QUESTIONS[1])]).recipe == ""
    for file in (*tmp_path.glob("mine/*processor*"), *tmp_path.glob("mine/chat*")):
        file.unlink()
    with pytest.raises(ValueError, match=r"has no processor for pictures and texts|needs its processor"):
        subjects.from_pretrained(tmp_path / "mine", [(picture(1), QUESTIONS[1])])


def test_attention_in_kernels_is_refused():
    model, processor = seeing.llava()
    model.config._attn_implementation = "flash_attention_2"
    with pytest.raises(ValueError, match=r"attn_implementation='eager'"):
        describe(model, pairs(), tokenizer=processor)


def test_the_model_and_its_processor_stay_as_they_are(made):
    model, processor = seeing.llava(TALK)
    names, tokenizer = [name for name, _ in model.named_parameters()], processor.tokenizer
    subject = describe(model, pairs(), tokenizer=processor)
    subject.explainer().explain(modality_of(subject).sample(subject, 0).x)
    assert processor.tokenizer is tokenizer
    assert [name for name, _ in subject.model.named_parameters()] == names
    assert not model.training
