"""Words that are left out of a text: the model is asked what it says without them."""

from __future__ import annotations

from collections.abc import Sequence

from .encoded import Encoded
from .tokenizer import Tokenizer
from .words import without


def struck(encoded: Encoded, words: Sequence[int], tokenizer: Tokenizer) -> Encoded:
    """The text without some words, each cut out with the white space before it, and read again.

    Parameters
    ----------
    encoded
        A text as the model reads it.
    words
        Which of ``encoded.words`` to strike, by number; those that are struck already stay so.
    tokenizer
        That of the model.

    Returns
    -------
    Encoded
        Tokens of what is left, with their places in the whole text.

    Raises
    ------
    ValueError
        If the text has no such word, it is a special token, or none would be left.

    Examples
    --------
    >>> from lrpwidgets.subjects.texts import Vocabulary, struck
    >>> reads = Vocabulary(["[UNK]", "never", "dull"])
    >>> struck(reads.encode("never dull"), [0], reads).pieces
    ('dull',)
    """
    whole, count = encoded.text, len(encoded.words)
    if wrong := [each for each in words if not 0 <= each < count]:
        raise ValueError(f"There is no word {wrong[0]} to strike; the text has {count}, from 0 on.")
    if stays := encoded.staying & set(words):
        raise ValueError(
            f"{encoded.word(min(stays))!r} is a token that the model looks for, so it stays; strike other words."
        )
    gone = encoded.struck | set(words)
    left, places = without(whole, [encoded.words[each] for each in sorted(gone)])
    if not left.strip():
        raise ValueError("All words are struck, so nothing is left to read; take one back.")
    return tokenizer.encode(left).within(whole, places, gone)
