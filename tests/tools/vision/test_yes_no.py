from __future__ import annotations

from pathlib import Path

import pytest

from tools.vision.yes_no import p_yes, yes_no_tokens


def test_yes_and_no_are_single_tokens_where_there_are_some(tiny_gemma_with_words: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_gemma_with_words)
    yes, no = yes_no_tokens(tokenizer)
    assert sorted(tokenizer.decode([i]) for i in yes) == [" Yes", " yes", "Yes", "yes"]
    assert sorted(tokenizer.decode([i]) for i in no) == [" No", " no", "No", "no"]


def test_yes_and_no_are_single_tokens_in_a_tokenizer_that_is_laid_out_as_gemmas() -> None:
    """SentencePiece's layout: a blank is U+2581, and what has no token falls back to bytes."""
    from tokenizers import Tokenizer, decoders, models, normalizers
    from transformers import PreTrainedTokenizerFast

    pieces = [*"yesnoYESNO\u2581"]
    merges = []
    # Those with a blank first, or it would stay apart.
    for word in ("\u2581yes", "\u2581Yes", "\u2581no", "\u2581No", "yes", "Yes", "no", "No", "NO"):
        for end in range(2, len(word) + 1):
            merge = (word[: end - 1], word[end - 1])
            if merge not in merges:
                merges.append(merge)
                pieces.append("".join(merge))
    vocab = {piece: i for i, piece in enumerate(dict.fromkeys(["<unk>", *pieces]))}
    model = models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", byte_fallback=True)
    backend = Tokenizer(model)
    backend.normalizer = normalizers.Replace(" ", "\u2581")
    backend.decoder = decoders.Replace("\u2581", " ")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>")
    yes, no = yes_no_tokens(tokenizer)
    # "YES" is no token here: its beginning could begin another word, so it is left out.
    spelled = [sorted(tokenizer.convert_ids_to_tokens(ids)) for ids in (yes, no)]
    assert spelled == [
        ["Yes", "yes", "\u2581Yes", "\u2581yes"],
        ["NO", "No", "no", "\u2581No", "\u2581no"],
    ]


def test_first_letters_stand_for_yes_and_no_in_a_tokenizer_of_bytes(tiny_gemma: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_gemma)
    yes, no = yes_no_tokens(tokenizer)
    # The space that begins " yes" and " no" tells nothing and is left out.
    assert sorted(tokenizer.decode([i]) for i in yes) == ["Y", "y"]
    assert sorted(tokenizer.decode([i]) for i in no) == ["N", "n"]


def test_both_orders_of_the_options_count_the_same() -> None:
    # 0.6 of 0.8 and 0.2 of 0.8: 0.75 and 0.25.
    assert p_yes([(0.6, 0.2), (0.2, 0.6)], 0.5) == pytest.approx(0.5)
    assert p_yes([(0.6, 0.2), (0.6, 0.2)], 0.5) == pytest.approx(0.75)


@pytest.mark.parametrize("other", [(0.3, 0.19), (0.0, 0.0)])
def test_one_order_without_yes_or_no_makes_the_answer_unknown(other: tuple[float, float]) -> None:
    assert p_yes([(0.6, 0.2), other], 0.5) is None


def test_two_probabilities_that_vanish_have_no_ratio_whatever_mass_is_asked_for() -> None:
    assert p_yes([(0.0, 0.0)], 0.0) is None
