import pytest

from faceguard.result import Why
from faceguard.words import SENTENCES, say


def test_every_reason_has_a_sentence_in_both_languages_and_no_two_are_alike():
    assert set(SENTENCES) == set(Why)
    for sentences in zip(*SENTENCES.values(), strict=True):
        assert len(set(sentences)) == len(Why)


@pytest.mark.parametrize("why", Why)
def test_the_chinese_sentence_is_chinese_and_the_english_one_english(why):
    assert say(why, "zh").endswith("。")
    assert say(why, "en").isascii()
    assert say(why, "en").endswith(".")
