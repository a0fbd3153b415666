"""Models and tokenizers of transformers, small and random, as subjects of texts."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

transformers = pytest.importorskip("transformers")

import huggingface_hub  # noqa: E402
from huggingface_hub.errors import RepositoryNotFoundError  # noqa: E402
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers  # noqa: E402

import lrpwidgets as lw  # noqa: E402
from lrpwidgets import dashboards, subjects  # noqa: E402
from lrpwidgets.dashboards.rooms import closed  # noqa: E402
from lrpwidgets.lrp import TwoClasses  # noqa: E402
from lrpwidgets.spray import RelevanceStore, candidate, poison_test, spray  # noqa: E402
from lrpwidgets.spray.inserted import Inserted, token_of  # noqa: E402
from lrpwidgets.subjects import Subject, describe, reviews  # noqa: E402
from lrpwidgets.subjects.modality import modality_of  # noqa: E402
from lrpwidgets.subjects.texts import (  # noqa: E402
    UNKNOWN,
    HuggingFaceTokenizer,
    Vocabulary,
    cells,
    hugging_face,
    padded,
    struck,
)
from lrpwidgets.subjects.texts.pieces import aligned  # noqa: E402
from lrpwidgets.subjects.texts.reading import LONGEST  # noqa: E402
from tests.subjects import answering  # noqa: E402

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
T5 = {"d_model": 16, "d_ff": 24, "d_kv": 8, "num_layers": 2, "num_heads": 2, "decoder_start_token_id": 0}
XLNET = {"d_model": 16, "d_inner": 24, "n_layer": 2, "n_head": 2}
BART = {
    "d_model": 16,
    **dict.fromkeys(("encoder_layers", "decoder_layers"), 2),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 2),
    **dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), 24),
    "max_position_embeddings": 40,
}
GPT2 = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 40, "bos_token_id": 0, "eos_token_id": 0}
ROBERTA = {**SMALL, "max_position_embeddings": 42, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
LLAMA = {**SMALL, "max_position_embeddings": 40, "bos_token_id": 0, "eos_token_id": 0}


def _fast(made, **special):
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, **special)


def _wordpiece(corpus):
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    made.train_from_iterator(corpus, trainers.WordPieceTrainer(vocab_size=120, special_tokens=special))
    made.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 2), ("[SEP]", 3)]
    )
    names = zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), special, strict=True)
    return _fast(made, model_input_names=["input_ids", "token_type_ids", "attention_mask"], **dict(names))


def _byte_level(corpus):
    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(vocab_size=330, special_tokens=special, initial_alphabet=letters)
    made.train_from_iterator(corpus, trainer)
    made.post_processor = processors.TemplateProcessing("<s> $A </s>", None, [("<s>", 0), ("</s>", 2)])
    names = zip(("cls_token", "pad_token", "sep_token", "unk_token", "mask_token"), special, strict=True)
    return _fast(made, eos_token="</s>", bos_token="<s>", **dict(names))


def _gpt(corpus):
    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=330, special_tokens=["<|end|>"], initial_alphabet=letters)
    made.train_from_iterator(corpus, trainer)
    return _fast(made, eos_token="<|end|>")


def _unigram(corpus):
    made = Tokenizer(models.Unigram())
    made.normalizer, made.pre_tokenizer = normalizers.NFKC(), pre_tokenizers.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=120, special_tokens=special, unk_token="<unk>")
    made.train_from_iterator(corpus, trainer)
    made.post_processor = processors.TemplateProcessing("$A </s>", None, [("</s>", 1)])
    return _fast(made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


@pytest.fixture(scope="module")
def tokenizers():
    corpus = reviews.reviews(200, 0)
    made = {"wordpiece": _wordpiece, "bytes": _byte_level, "gpt": _gpt, "unigram": _unigram}
    return {name: make(corpus) for name, make in made.items()}


CLASSIFIERS = {
    "bert": ("BertForSequenceClassification", "BertConfig", SMALL, "wordpiece"),
    "roberta": ("RobertaForSequenceClassification", "RobertaConfig", ROBERTA, "bytes"),
    "gpt2": ("GPT2ForSequenceClassification", "GPT2Config", GPT2, "gpt"),
    "gpt2 padded": ("GPT2ForSequenceClassification", "GPT2Config", {**GPT2, "pad_token_id": 1}, "bytes"),
    "llama": ("LlamaForSequenceClassification", "LlamaConfig", LLAMA, "gpt"),
    "bart": ("BartForSequenceClassification", "BartConfig", BART, "bytes"),
    "t5": ("T5ForSequenceClassification", "T5Config", T5, "unigram"),
    "xlnet": ("XLNetForSequenceClassification", "XLNetConfig", XLNET, "unigram"),
}
SPEAKERS = {
    "gpt2": ("GPT2LMHeadModel", "GPT2Config", GPT2, "gpt"),
    "llama": ("LlamaForCausalLM", "LlamaConfig", LLAMA, "gpt"),
    "t5": ("T5ForConditionalGeneration", "T5Config", T5, "unigram"),
    "bart": ("BartForConditionalGeneration", "BartConfig", BART, "bytes"),
    "bert": ("BertForMaskedLM", "BertConfig", SMALL, "wordpiece"),
    "roberta": ("RobertaForMaskedLM", "RobertaConfig", ROBERTA, "bytes"),
}
QUESTIONS = {
    "bert": ("BertForQuestionAnswering", "BertConfig", SMALL, "wordpiece"),
    "roberta": ("RobertaForQuestionAnswering", "RobertaConfig", ROBERTA, "bytes"),
    "t5": ("T5ForQuestionAnswering", "T5Config", T5, "unigram"),
    "gpt2": ("GPT2ForQuestionAnswering", "GPT2Config", GPT2, "gpt"),
}
TEXTS = ["The plot is never dull {}.", "We saw {} it on monday, and the cast was warm."]


@pytest.fixture(scope="module")
def made(tokenizers):
    """Makes a model of one of the tables above, and its tokenizer."""

    def make(kind, config, settings, tokenizer, **more):
        own = tokenizers[tokenizer]
        torch.manual_seed(0)
        said = getattr(transformers, config)(vocab_size=len(own), **{**settings, **more})
        return getattr(transformers, kind)(said).eval(), own

    return make


def _texts(tokenizer):
    return [" ".join(text.format(tokenizer.mask_token or "").split()) for text in TEXTS]


def _batch(subject):
    return padded([subject.item(index)[0] for index in range(len(subject.dataset))])


def _own_scores(model, tokenizer, text):
    """What the model says of one text, as its documentation has it."""
    given = tokenizer(text, return_tensors="pt")
    given.pop("token_type_ids", None)
    logits = model(**given).logits
    if "MaskedLM" in type(model).__name__:
        return logits[0, given["input_ids"][0].tolist().index(tokenizer.mask_token_id)]
    return logits[0] if logits.dim() == 2 else logits[0, -1]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_batch_of_texts_has_the_scores_and_the_relevance_of_each_by_itself(made, name):
    model, tokenizer = made(*CLASSIFIERS[name])
    _matches(model, tokenizer, describe(model, _texts(tokenizer), tokenizer=tokenizer))


@pytest.mark.parametrize("name", ["gpt2", "llama", "bert", "roberta"])
def test_language_models_are_asked_for_one_piece(made, name):
    model, tokenizer = made(*SPEAKERS[name])
    subject = describe(model, _texts(tokenizer), tokenizer=tokenizer)
    _matches(model, tokenizer, subject)
    assert len(subject.classes) == len(tokenizer)
    assert any("piece" in note for note in subject.notes)


def _matches(model, tokenizer, subject):
    batch, explainer = _batch(subject), subject.explainer()
    assert (batch == -1).any()  # one is shorter
    together = explainer.explain(batch)
    for index, text in enumerate(subject.dataset.texts):
        x = subject.item(index)[0]
        torch.testing.assert_close(together.scores[index], _own_scores(model, tokenizer, text))
        alone = explainer.explain(x[None])
        torch.testing.assert_close(together.relevance[index, : len(x)], alone.relevance[0], rtol=1e-3, atol=1e-6)
        assert (together.relevance[index, len(x) :] == 0).all()
    assert together.ledger.imbalance < 1e-5


HIDING = {
    **{f"classifier {name}": spec for name, spec in CLASSIFIERS.items()},
    **{f"speaker {name}": SPEAKERS[name] for name in ("gpt2", "llama", "bert", "roberta")},
}


@pytest.mark.parametrize("name", HIDING)
def test_a_word_that_is_hidden_is_masked_and_all_others_keep_their_places(made, name):
    model, tokenizer = made(*HIDING[name])
    subject = describe(model, _texts(tokenizer), tokenizer=tokenizer)
    x, place = subject.item(1)[0], 1
    batch = padded([x, torch.cat((x, x[-1:].expand(2)))])[:1].scatter(1, torch.tensor([[place]]), -1)
    assert batch[0, -1] == -1  # and behind it padding
    given = {"input_ids": x[None], "attention_mask": torch.ones_like(x)[None].index_fill(1, torch.tensor(place), 0)}
    if name in ("classifier bart", "classifier t5"):  # their decoder reads the text again, one place later
        mask = torch.ones_like(x)[None].index_fill(1, torch.tensor(place + 1), 0)
        given["decoder_attention_mask"] = mask
    with torch.no_grad():
        logits = model(**given).logits[0]
    if "speaker" in name:
        mask = tokenizer.mask_token_id
        logits = logits[x.tolist().index(mask) if mask in x.tolist() else -1]
    torch.testing.assert_close(subject.explainer().scores(batch)[0], logits)


@pytest.mark.parametrize("kind", ["GPT2LMHeadModel", "GPT2ForSequenceClassification"])
def test_erasure_of_a_model_that_reads_the_last_place_is_what_its_score_loses(made, kind):
    model, tokenizer = made(kind, "GPT2Config", GPT2, "gpt")
    subject = describe(model, _texts(tokenizer), tokenizer=tokenizer)
    x = subject.item(0)[0][None]
    with torch.no_grad():
        scores = [model(input_ids=x, attention_mask=1 - row[None]).logits for row in torch.eye(x.shape[1]).long()]
        whole = model(input_ids=x).logits
    scores, whole = (
        torch.cat([each if each.dim() == 2 else each[:, -1] for each in all_]) for all_ in (scores, [whole])
    )
    found = lw.methods.explain(subject.explainer(), x, "erasure", 1, progress=False).relevance[0]
    torch.testing.assert_close(found[:-1], (whole - scores)[:-1, 1], atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_special_tokens_are_not_erased(made, name):
    model, tokenizer = made(*CLASSIFIERS[name])
    subject = describe(model, _texts(tokenizer), tokenizer=tokenizer)
    x = subject.item(0)[0]
    found = lw.methods.explain(subject.explainer(), x[None], "erasure", progress=False)
    added = [place for place, token in enumerate(x.tolist()) if token in tokenizer.all_special_ids]
    assert (found.relevance[0, added] == 0).all()
    assert found.relevance[0].count_nonzero() > len(x) // 2
    assert found.caveats == (["Special tokens were not hidden, as models look for them: theirs is 0."] if added else [])
    assert "erasure" not in lw.methods.obstacles(subject.explainer(), x[None], ["erasure"])


@pytest.mark.parametrize("name", ["t5", "bart"])
def test_decoders_are_asked_for_the_next_piece_of_an_answer(made, name):
    model, tokenizer = made(*SPEAKERS[name])
    subject = describe(model, _texts(tokenizer), tokenizer=tokenizer, answer="It is")
    explained = subject.explainer().explain(_batch(subject))
    begin = [model.config.decoder_start_token_id, *tokenizer("It is", add_special_tokens=False)["input_ids"]]
    for index, text in enumerate(subject.dataset.texts):
        given = tokenizer(text, return_tensors="pt")
        given.pop("token_type_ids", None)
        logits = model(**given, decoder_input_ids=torch.tensor([begin])).logits
        torch.testing.assert_close(explained.scores[index], logits[0, -1])
    assert explained.ledger.imbalance < 1e-5
    assert "after 'It is'" in " ".join(subject.notes)
    first = describe(model, _texts(tokenizer), tokenizer=tokenizer).explainer().explain(_batch(subject))
    assert not torch.allclose(first.scores, explained.scores)


def test_question_answering_scores_the_tokens_of_a_text_behind_a_question(made):
    model, tokenizer = made("BertForQuestionAnswering", "BertConfig", SMALL, "wordpiece")
    asked = {"tokenizer": tokenizer, "question": "What is dull?"}
    for part in ("start_logits", "end_logits"):
        subject = describe(model, ["The plot.", "The plot is never dull."], select=part, **asked)
        scores = subject.explainer().scores(_batch(subject))
        for index, text in enumerate(subject.dataset.texts):
            own = model(**tokenizer("What is dull?", text, return_tensors="pt"))[part][0]
            torch.testing.assert_close(scores[index, : len(own)], own)
    assert any("question=" in note for note in describe(model, ["The plot."], tokenizer=tokenizer).notes)
    encoded = subject.tokenizer.encode("The plot.")
    assert encoded.word_of[: encoded.pieces.index("[SEP]") + 1] == (-1,) * (encoded.pieces.index("[SEP]") + 1)
    assert encoded.word_of[-4:] == (0, 1, 2, -1)


def _asked(made, name="bert"):
    """A model that finds answers, its tokenizer, and both as a subject."""
    model, tokenizer = made(*QUESTIONS[name])
    texts = ["The plot.", "The plot is never dull, and the film is warm."]
    return model, tokenizer, describe(model, texts, tokenizer=tokenizer, question="What is dull?")


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_has_the_score_of_its_begin_and_its_end(made, name):
    model, tokenizer, subject = _asked(made, name)
    explained = subject.explainer("epsilon").explain(_batch(subject))
    best = []
    for index, text in enumerate(subject.dataset.texts):
        given = tokenizer("What is dull?", text, return_tensors="pt")
        with torch.no_grad():
            own = model(**given)
        start, end = own.start_logits[0], own.end_logits[0]
        shown = modality_of(subject).sample(subject, index)
        sums = {
            number: float(start[number // LONGEST] + end[number // LONGEST + number % LONGEST])
            for number, name in enumerate(shown.outputs)
            if name
        }
        for number, score in sums.items():
            assert float(explained.scores[index, number]) == pytest.approx(score, abs=1e-5)
        others = explained.scores[index, [at for at in range(explained.scores.shape[1]) if at not in sums]]
        assert float(others.max()) < -60_000
        best.append(max(sums, key=sums.__getitem__))
    assert explained.scores.argmax(1).tolist() == best
    assert explained.ledger.imbalance < 1e-5


def test_answers_are_parts_of_the_text_and_are_called_by_their_words():
    subject = answering.make()
    shown = modality_of(subject).sample(subject, 0)
    encoded, named = shown.text, {name: number for number, name in enumerate(shown.outputs) if name}
    first = encoded.pieces.index("[SEP]") + 1
    assert set(named) == {"no answer ([CLS])", "The", "plot", ".", "The plot", "plot.", "The plot."}
    assert named["no answer ([CLS])"] == 0
    assert named["The plot."] == LONGEST * first + 2
    twice = modality_of(subject).typed(subject, shown, "dull dull").outputs
    assert [name for name in twice if name][1:] == [f"dull · {first}", "dull dull", f"dull · {first + 1}"]
    assert subject.class_name(named["plot"], shown) == "plot"
    assert "Explained is an answer of up to 15 tokens" in " ".join(subject.notes)


def test_relevance_of_an_answer_is_that_of_its_begin_and_its_end():
    subject = answering.make()
    own = {"tokenizer": subject.tokenizer.tokenizer, "question": answering.QUESTION}
    x = subject.item(1)[0][None]
    number = modality_of(subject).sample(subject, 1).outputs.index("never dull")
    span = subject.explainer("epsilon").explain(x, number)
    ends = {"start_logits": number // LONGEST, "end_logits": number // LONGEST + number % LONGEST}
    parts = []
    for part, place in ends.items():
        alone = describe(subject.model._model, answering.TEXTS, select=part, **own)
        parts.append(alone.explainer("epsilon").explain(x, place))
    torch.testing.assert_close(span.relevance, sum(part.relevance for part in parts), atol=1e-6, rtol=1e-3)
    torch.testing.assert_close(span.ledger.explained, sum(part.ledger.explained for part in parts))


def test_where_outputs_are_places_in_the_text_no_word_is_struck(made):
    _, _, subject = _asked(made)
    modality = modality_of(subject)
    shown = modality.sample(subject, 0)
    with pytest.raises(ValueError, match="answers with places in the text, and they move when a word is struck"):
        modality.changed(subject, shown, [0])
    model, tokenizer, _ = _asked(made)
    begins = describe(model, ["The plot."], tokenizer=tokenizer, question="What is dull?", select="start_logits")
    assert modality.sample(begins, 0).outputs[-2:] == [f". · {len(shown.text) - 2}", f"[SEP] · {len(shown.text) - 1}"]


def test_a_model_is_not_changed_and_its_layers_keep_their_names(made):
    model, tokenizer = made(*CLASSIFIERS["bert"])
    before = {key: value.clone() for key, value in model.state_dict().items()}, repr(model), model.config.to_dict()
    subject = describe(model, _texts(tokenizer), tokenizer=tokenizer)
    names = [layer.name for layer in subject.explainer().explain(_batch(subject)).layers]
    assert "bert.encoder.layer.1.attention.self.query" in names
    assert list(subject.model.state_dict()) == list(before[0])
    assert all(torch.equal(value, before[0][key]) for key, value in model.state_dict().items())
    assert (repr(model), model.config.to_dict()) == before[1:]
    assert "_model" not in dict(subject.model.named_children())


def test_every_piece_stands_where_it_is_written(tokenizers):
    text = "The plot is never  dull,\nand it is warm. "
    for name, tokenizer in tokenizers.items():
        encoded = HuggingFaceTokenizer(tokenizer).encode(text)
        for piece, (start, end) in zip(encoded.pieces, encoded.spans, strict=True):
            written = text[start:end]
            assert written == written.strip()
            if written:
                assert written.lower() == piece.removeprefix("##").removeprefix("▁").lower() or piece == "▁", name
        assert {text[start:end] for start, end in encoded.words} == {
            encoded.word(owner) for owner in encoded.word_of if owner >= 0
        }
        added = [i for i, each in enumerate(encoded.ids) if each in tokenizer.all_special_ids]
        assert all(not text[slice(*encoded.spans[i])] and encoded.word_of[i] == -1 for i in added)
        assert not encoded.unknown


@pytest.mark.parametrize("name", ["wordpiece", "bytes"])
def test_a_special_token_in_a_text_is_one_word_that_is_never_struck(tokenizers, name):
    wrapped = HuggingFaceTokenizer(tokenizers[name])
    mask = tokenizers[name].mask_token
    encoded = wrapped.encode(f"The plot is {mask}, dull[{mask}")
    words = ["The", "plot", "is", mask, ",", "dull", "[", mask]
    assert [encoded.word(number) for number in range(len(encoded.words))] == words
    assert {encoded.word(encoded.word_of[place]) for place in encoded.special} == {mask}
    assert encoded.staying == {3, 7}
    assert [cell.text for cell in cells(encoded, [0.0] * len(encoded), "word") if mask in cell.text] == [mask, mask]
    left = struck(encoded, [1, 6], wrapped)
    assert (left.staying, [left.word(number) for number in range(len(left.words))]) == ({3, 7}, words)
    with pytest.raises(ValueError, match="is a token that the model looks for, so it stays; strike other words"):
        struck(encoded, [2, 3], wrapped)


@pytest.mark.parametrize("way", ["cut", "hide"])
@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_a_masked_model_is_followed_as_all_other_words_go(made, name, way):
    model, tokenizer = made(*SPEAKERS[name])
    subject = describe(model, _texts(tokenizer), tokenizer=tokenizer)
    texts = [modality_of(subject).sample(subject, number).text for number in range(2)]
    relevance = [torch.arange(len(text), 0, -1.0) for text in texts]
    curves = lw.evaluate.flip_words(subject, texts, relevance, way=way, steps=2, output="probability", progress=False)
    left = lw.evaluate.words.without(texts[0], lw.evaluate.words.gone(texts[0], relevance[0], 1.0), way)
    kept = [token for token in texts[0].ids if token in {*tokenizer.all_special_ids, tokenizer.vocab.get("Ġ")}]
    assert [token for token in left.tolist() if token >= 0] == kept
    scores = [subject.explainer().scores(each[None]).softmax(1)[0] for each in (texts[0].x, left)]
    assert float(curves.scores[0, 2]) == pytest.approx(float(scores[1][scores[0].argmax()]), rel=1e-4)
    found = lw.evaluate.compare(subject, ["epsilon", "erasure"], samples=2, steps=2, progress=False)
    assert found.obstacles == {}


def test_what_the_vocabulary_does_not_have_is_noted(tokenizers):
    for name in ("wordpiece", "unigram"):
        encoded = HuggingFaceTokenizer(tokenizers[name]).encode("The plot is 好.")
        assert {encoded.text[slice(*encoded.spans[i])] for i in encoded.unknown} == {"好"}


def test_pieces_of_bytes_are_readable(tokenizers):
    wrapped = HuggingFaceTokenizer(tokenizers["bytes"])
    encoded = wrapped.encode("It is ö\n")
    assert encoded.pieces == ("<s>", "It", "▁is", "▁", "<0xC3>", "<0xB6>", "⏎", "</s>")
    assert [encoded.text[start:end] for start, end in encoded.spans] == ["", "It", "is", "", "ö", "ö", "", ""]


def test_between_words_there_are_gaps_and_none_within_them_or_outside_of_the_text(tokenizers):
    for tokenizer in tokenizers.values():
        encoded = HuggingFaceTokenizer(tokenizer).encode("The plot is never undeniably dull.")
        gaps = HuggingFaceTokenizer(tokenizer).gaps(encoded.ids)
        own = [place for place, word in enumerate(encoded.word_of) if word >= 0]
        assert (gaps[0], gaps[-1]) == (own[0], own[-1] + 1)
        for place in gaps[1:-1]:
            assert encoded.word_of[place] != encoded.word_of[place - 1]
        assert len(gaps) >= 6


@pytest.mark.parametrize("name", ["wordpiece", "bytes", "gpt"])
def test_pieces_of_a_slow_tokenizer_are_found_where_a_fast_one_says(tokenizers, name):
    tokenizer = tokenizers[name]
    for text in ["The plot is never dull, and the cast is warm.", "We saw it again"]:
        encoded = HuggingFaceTokenizer(tokenizer).encode(text)
        written = tokenizer.convert_ids_to_tokens(list(encoded.ids))
        mine = [None if each in tokenizer.all_special_tokens else each for each in written]
        assert aligned(text, mine) == list(encoded.spans)


def test_what_a_slow_tokenizer_does_not_know_is_between_its_neighbours():
    assert aligned("The 好 plot", ["the", "[UNK]", "plot"]) == [(0, 3), (4, 5), (6, 10)]
    assert aligned("a strange word here", ["a", "[UNK]", "here"]) == [(0, 1), (2, 14), (15, 19)]
    assert aligned("end ö", ["end", "Ã", "¶"]) == [(0, 3), (4, 5), (4, 5)]


@pytest.mark.parametrize("kind", ["CanineTokenizer", "ByT5Tokenizer"])
def test_slow_tokenizers_work(kind):
    encoded = HuggingFaceTokenizer(getattr(transformers, kind)()).encode("The plöt is")
    assert {encoded.word(owner) for owner in encoded.word_of if owner >= 0} == {"The", "plöt", "is"}


@pytest.mark.parametrize("name", [*CLASSIFIERS])
def test_as_many_tokens_are_read_as_the_model_has_positions(made, name):
    model, tokenizer = made(*CLASSIFIERS[name])
    most = describe(model, ["It is good."], tokenizer=tokenizer).tokenizer.most
    if name in ("t5", "xlnet"):
        assert most is None
        return
    assert most == (512 if name == "bert" else 40)  # RoBERTa has 42 positions, and its first two are padding's
    text = "good " * 600
    length = len(tokenizer(text, verbose=False)["input_ids"])
    with pytest.raises(ValueError, match=rf"{length} tokens and the model reads {most}.*truncate=True"):
        describe(model, [text], tokenizer=tokenizer)
    cut = describe(model, [text], tokenizer=tokenizer, truncate=True)
    assert len(cut.item(0)[0]) == most
    assert cut.explainer().scores(cut.item(0)[0][None]).isfinite().all()
    assert any(f"more than {most} tokens" in note for note in cut.notes)


def test_a_tokenizer_may_take_less_than_the_model(made):
    model, tokenizer = made(*CLASSIFIERS["gpt2"])
    limited = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer.backend_tokenizer, model_max_length=9)
    assert describe(model, ["It is good."], tokenizer=limited).tokenizer.most == 9


def test_a_tokenizer_of_another_model_is_refused(made, tokenizers):
    model, own = made(*CLASSIFIERS["bert"])
    other = tokenizers["bytes"]
    with pytest.raises(ValueError, match=f"it has {len(other)} tokens and the model's table has {len(own)}"):
        describe(model, ["The camera is horrible, dreadful and charming."], tokenizer=other)
    large, _ = made("BertForSequenceClassification", "BertConfig", {**SMALL}, "wordpiece")
    large.resize_token_embeddings(5000)
    assert any("5,000" in note for note in describe(large, ["It is good."], tokenizer=own).notes)


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_a_text_without_words_is_refused(tokenizers, text):
    for tokenizer in tokenizers.values():
        with pytest.raises(ValueError, match="no word"):
            HuggingFaceTokenizer(tokenizer).encode(text)


def test_masked_models_need_a_mask_also_when_words_are_struck(made):
    model, tokenizer = made(*SPEAKERS["bert"])
    with pytest.raises(ValueError, match=r"fills in \[MASK\].*write \[MASK\]"):
        describe(model, ["The plot is dull."], tokenizer=tokenizer)
    subject = describe(model, ["The plot is [MASK]."], tokenizer=tokenizer)
    modality = modality_of(subject)
    shown = modality.sample(subject, 0)
    words = [shown.text.word(number) for number in range(len(shown.text.words))]
    with pytest.raises(ValueError, match=r"'\[MASK\]' is a token that the model looks for, so it stays"):
        modality.changed(subject, shown, [words.index("[MASK]")])
    with pytest.raises(ValueError, match="mask"):
        subject.model(tokenizer("The plot", return_tensors="pt")["input_ids"])


def test_attention_in_kernels_is_refused(made):
    model, tokenizer = made(*CLASSIFIERS["bert"])
    model.config._attn_implementation_internal = "flash_attention_2"
    with pytest.raises(ValueError, match="attn_implementation='eager'"):
        describe(model, ["It is good."], tokenizer=tokenizer)


def test_models_without_scores_of_a_text_are_refused_with_a_way_out(made):
    model, tokenizer = made("BertModel", "BertConfig", SMALL, "wordpiece")
    with pytest.raises(ValueError, match="AutoModelForSequenceClassification"):
        describe(model, ["It is good."], tokenizer=tokenizer)
    assert len(describe(model, ["It is good."], tokenizer=tokenizer, select="pooler_output").notes) == 1
    tags, _ = made("BertForTokenClassification", "BertConfig", SMALL, "wordpiece")
    subject = describe(tags, ["It is good."], tokenizer=tokenizer, select=lambda output: output.logits[:, 1])
    assert subject.explainer().scores(subject.item(0)[0][None]).shape == (1, 2)


def test_a_model_of_texts_asks_for_its_tokenizer(made):
    model, _ = made(*CLASSIFIERS["bert"])
    with pytest.raises(TypeError, match="needs tokenizer="):
        describe(model, ["It is good."])
    with pytest.raises(TypeError, match="tokenizer is str"):
        describe(model, ["It is good."], tokenizer="bert")


def test_names_of_classes_are_those_of_the_configuration(made):
    kind, config, settings, own = CLASSIFIERS["bert"]
    model, tokenizer = made(kind, config, settings, own, id2label={0: "bad", 1: "good"}, label2id={"bad": 0, "good": 1})
    subject = describe(model, [("It is dull.", "bad"), ("It is warm.", 1), ("It is.", None)], tokenizer=tokenizer)
    assert subject.classes == ["bad", "good"]
    assert list(subject.dataset.labels) == [0, 1, None]
    assert describe(model, ["It is."], tokenizer=tokenizer, classes=["−", "+"]).classes == ["−", "+"]
    with pytest.raises(ValueError, match="Text 0: its label 'fine' is no name of a class"):
        describe(model, [("It is.", "fine")], tokenizer=tokenizer)
    with pytest.raises(ValueError, match="Text 0: its label is 2"):
        describe(model, [("It is.", 2)], tokenizer=tokenizer)


class _Hub(list):
    """A data set in the form of Hugging Face's."""

    class _Labels:
        def __init__(self, names):
            self.names = names

    def __init__(self, rows, names):
        super().__init__(rows)
        self.column_names, self.features = list(rows[0]), {"label": self._Labels(names)}

    def __getitem__(self, key):
        return [row[key] for row in self] if isinstance(key, str) else super().__getitem__(key)


def test_labels_of_data_that_counts_otherwise_are_matched_by_name(made):
    kind, config, settings, own = CLASSIFIERS["bert"]
    model, tokenizer = made(kind, config, settings, own, id2label={0: "Positive", 1: "Negative"})
    rows = [{"text": "It is dull.", "label": 0}, {"text": "It is warm.", "label": 1}]
    subject = describe(model, _Hub(rows, ["negative", "positive"]), tokenizer=tokenizer)
    assert list(subject.dataset.labels) == [1, 0]
    assert any("by name" in note for note in subject.notes)
    told = describe(model, _Hub(rows, ["neg", "pos"]), tokenizer=tokenizer)
    assert list(told.dataset.labels) == [0, 1]
    assert any("neg, pos" in note and "Positive, Negative" in note for note in told.notes)
    plain, _ = made(*CLASSIFIERS["bert"])
    assert describe(plain, _Hub(rows, ["neg", "pos"]), tokenizer=tokenizer).classes == ["neg", "pos"]


def test_one_score_may_tell_two_classes_apart(made):
    model, tokenizer = made(*CLASSIFIERS["bert"], num_labels=1)
    subject = describe(model, [("It is dull.", 0), ("It is warm.", 1)], tokenizer=tokenizer)
    assert subject.select == TwoClasses()
    assert subject.explainer().explain(subject.item(0)[0][None]).scores.shape == (1, 2)
    rated = describe(model, [("It is dull.", 2.5), ("It is warm.", 4.0)], tokenizer=tokenizer)
    assert (rated.classes, list(rated.dataset.labels)) == (["score"], [None, None])
    said = describe(model, ["It is warm."], tokenizer=tokenizer, select=TwoClasses("logits"), classes=["no", "yes"])
    assert said.explainer().explain(said.item(0)[0][None]).scores.shape == (1, 2)


def test_several_classes_may_be_right(made):
    model, tokenizer = made(*CLASSIFIERS["bert"], num_labels=3, problem_type="multi_label_classification")
    labels = [[0.0, 1.0, 0.0], [1.0, 1.0, 0.0]]
    subject = describe(model, (["It is dull.", "It is warm."], labels), tokenizer=tokenizer)
    assert list(subject.dataset.labels) == [1, None]  # the second is of two classes
    assert any("Several classes" in note for note in subject.notes)


def test_models_of_texts_are_explored_in_one_line(made):
    model, tokenizer = made(*CLASSIFIERS["bert"])
    rooms = lw.explore(model, ["It is dull.", "It is warm."], tokenizer=tokenizer)
    rooms.close()


@pytest.fixture
def saved(made, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    model, tokenizer = made(*CLASSIFIERS["bert"])
    model.save_pretrained(tmp_path / "mine")
    tokenizer.save_pretrained(tmp_path / "mine")
    return tmp_path / "mine"


def test_a_model_is_loaded_by_its_name_and_made_again_by_its_recipe(saved):
    subject = subjects.from_pretrained(saved, [("It is dull.", 0), ("It is warm.", 1)])
    assert (subject.title, subject.classes) == ("mine", [])
    again = eval(subject.recipe, {"subjects": subjects})
    x = subject.item(0)[0][None]
    assert torch.equal(again.model(x), subject.model(x))
    assert again.dataset.texts == subject.dataset.texts
    assert subjects.from_pretrained(saved, ["It is dull."] * 1000).recipe == ""


def test_weights_are_never_taken_from_a_pickle(saved):
    torch.save({}, saved / "pytorch_model.bin")
    (saved / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"cannot be loaded from the folder.*safetensors"):
        subjects.from_pretrained(saved)


def test_without_a_network_that_is_said_at_once(monkeypatch):
    def unreachable(*_, **__):
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", unreachable)
    start = time.perf_counter()
    with pytest.raises(
        ValueError,
        match=r"from the cache, and https?://.* cannot be reached \(Name or service not known\); give a folder",
    ):
        subjects.from_pretrained("nobody/has-this-model")
    assert time.perf_counter() - start < 5


def test_where_the_hub_answers_a_model_is_looked_for_there(monkeypatch, made):
    asked = []
    found = made(*CLASSIFIERS["bert"])

    def loaded(_, name, options, *, here):
        if here:
            raise OSError("not in the cache")
        asked.append(name)
        if name == "nobody/has-this-model":
            raise OSError("is not a valid model identifier")
        return found

    def answers(_, name, timeout):
        assert 10 <= timeout <= 60  # slow networks answer too
        if name == "nobody/has-this-model":
            raise RepositoryNotFoundError("404", response=SimpleNamespace(headers={}, request=None))

    monkeypatch.setattr(hugging_face, "_loaded", loaded)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", answers)
    assert subjects.from_pretrained("some/model", TEXTS[:1]).title == "some/model"
    with pytest.raises(ValueError, match=r"the cache or the net; .* is not a valid model identifier"):
        subjects.from_pretrained("nobody/has-this-model")
    assert asked == ["some/model", "nobody/has-this-model"]


def test_what_is_in_the_cache_needs_no_network(monkeypatch, made):
    found = made(*CLASSIFIERS["bert"])
    monkeypatch.setattr(hugging_face, "_loaded", lambda *_, here: found)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", None)
    assert subjects.from_pretrained("some/model", TEXTS[:1]).title == "some/model"


def test_a_model_that_is_nowhere_is_told_so(saved):
    with pytest.raises(ValueError, match="There is no folder"):
        subjects.from_pretrained(saved / "none")
    config = transformers.AutoConfig.from_pretrained(saved)
    config.architectures = None
    config.save_pretrained(saved)
    with pytest.raises(ValueError, match="does not say which class"):
        subjects.from_pretrained(saved)


@pytest.mark.parametrize("name", ["wordpiece", "bytes", "gpt", "unigram"])
def test_each_piece_is_found_as_it_is_written(tokenizers, name):
    own = HuggingFaceTokenizer(tokenizers[name])
    subject = Subject(torch.nn.Identity(), modality="text", tokenizer=own)
    for token in (each for each in range(own.size) if each not in own.special and own.piece(each).strip()):
        piece = own.piece(token)
        found = token_of(piece, subject)
        assert own.piece(found) in (piece, f"▁{piece}")  # typed words stand behind others
        if piece.startswith(("##", "▁")):
            assert found == token


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_a_word_of_a_model_that_fills_in_a_mask_is_found(made, name):
    model, tokenizer = made(*SPEAKERS[name])
    subject = describe(model, _texts(tokenizer), tokenizer=tokenizer)
    with pytest.raises(ValueError, match="The model fills in"):
        subject.tokenizer.encode("film")
    word = subject.tokenizer.piece(token_of("film", subject))
    assert word.removeprefix("▁") == "film"


def test_a_word_is_found_where_the_model_has_places_for_few_tokens(tokenizers):
    for truncate in (False, True):
        own = HuggingFaceTokenizer(tokenizers["wordpiece"], most=2, truncate=truncate)
        subject = Subject(torch.nn.Identity(), modality="text", tokenizer=own)
        assert own.piece(token_of("film", subject)) == "film"


def test_answers_that_are_parts_of_a_text_are_no_classes_of_spray(made, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model, tokenizer = made(*QUESTIONS["bert"])
    subject = describe(model, _texts(tokenizer), tokenizer=tokenizer, question="What is dull?")
    why = "SpRAy groups inputs by class, and this model answers with places in each text, which are no classes."
    assert closed("spray", subject) == why
    assert closed("explore", subject) == ""
    with pytest.raises(ValueError, match=f"{why} Its inputs are explained one by one"):
        RelevanceStore.create(tmp_path / "store", subject.explainer(), subject, progress=False)
    with pytest.raises(ValueError, match=f"{why} Explore is open"):
        dashboards.spray(subject=subject)
    assert not list(tmp_path.iterdir())
    model, tokenizer = made(*SPEAKERS["gpt2"])
    assert closed("spray", describe(model, _texts(tokenizer), tokenizer=tokenizer)) == ""


def test_a_word_that_is_inserted_leaves_the_mask_and_what_stands_around_a_text(tokenizers):
    own = tokenizers["wordpiece"]
    ids = HuggingFaceTokenizer(own).encode("the plot is the [MASK]").ids
    tokenizer = HuggingFaceTokenizer(own, most=len(ids))
    token = token_of("film", Subject(torch.nn.Identity(), modality="text", tokenizer=tokenizer))
    suspect = Inserted((token,), np.array([2]), 1, (), tokenizer)
    for each in suspect.taken(torch.tensor([ids] * 40), np.random.default_rng(0)).tolist():
        assert (len(each), each.count(token), each.count(own.mask_token_id)) == (len(ids), 2, 1)
        assert (each[0], each[-1]) == (own.cls_token_id, own.sep_token_id)


@pytest.mark.parametrize("name", ["bert", "gpt2", "t5"])
def test_a_data_set_of_texts_goes_through_spray(made, tmp_path, name):
    model, tokenizer = made(*CLASSIFIERS[name])
    said = sorted(reviews.reviews(200, 1), key=len)[:40]  # the models have few positions
    subject = describe(model, [(text, int(reviews.value(text) > 0)) for text in said], tokenizer=tokenizer)
    explainer = subject.explainer()
    store = RelevanceStore.create(tmp_path / "store", explainer, subject, progress=False, batch_size=16)
    assert store.relevance([0, 39]).shape == (2, len(tokenizer))
    atlas = spray(store, clusters=2, progress=False)
    words = {each.token for number in range(2) for each in atlas.cluster(number).words(subject.tokenizer)}
    assert len(words) > 5
    assert words.isdisjoint(tokenizer.all_special_ids)
    token = token_of("film", subject)  # behind another word, as texts have it
    assert any(token in subject.item(index)[0].tolist() for index in range(40))
    suspect = candidate(atlas, 0, subject)
    x = modality_of(subject).stacked([subject.item(index)[0] for index in range(6)])
    for before, after in zip(x.tolist(), suspect.taken(x, np.random.default_rng(0)).tolist(), strict=True):
        before, after = ([each for each in ids if each >= 0] for ids in (before, after))
        added = {each for each in tokenizer.all_special_ids if each in before}
        assert [each in added for each in after][:: len(after) - 1] == [each in added for each in before][
            :: len(before) - 1
        ]
        assert len(after) > len(before)
    assert poison_test(suspect, explainer, subject, progress=False).inputs == "texts"


def test_a_list_of_words_reads_for_a_model_of_transformers():
    words = Vocabulary([UNKNOWN, "the", "film", "is", "dull"])
    torch.manual_seed(0)
    config = transformers.BertConfig(vocab_size=words.size, num_labels=2, **SMALL)
    model = transformers.BertForSequenceClassification(config).eval()
    subject = describe(model, ["the film", "the film is dull"], tokenizer=words)
    assert subject.model.special_tokens == frozenset()
    relevance = subject.explainer("epsilon").explain(_batch(subject)).relevance
    assert not relevance[0, 2:].any()
    assert relevance[1].all()
