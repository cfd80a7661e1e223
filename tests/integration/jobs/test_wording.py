"""Differences between a text and the transcript of its speech."""

from __future__ import annotations

import pytest

from preppath_workers.jobs.tts.wording import difference


@pytest.mark.parametrize(
    ("text", "transcript"),
    [
        ("What is a hash table?", "what is a hash table"),
        ("  Why\n\nqueues?  ", "Why queues?"),
        ("I'm sure it’s fine, don't you think?", "I am sure it is fine; do not you think?"),
        ("It has been said that they would.", "It's been said that they'd."),
        ("You cannot do it, he won't, and we can't.", "You can't do it, he will not, and we cannot."),
        ("Let us say so.", "Let's say so."),
        ("Use 42 threads in 1984.", "Use forty-two threads in nineteen eighty-four."),
        ("It costs $1,500, i.e. 3.5%.", "It costs 1500 dollars, that is, three point five percent."),
        ("In 2027", "In twenty twenty-seven"),
        ("It costs 1500.", "It costs fifteen hundred."),
        ("101 ways, a hundred ways, 2,000,000 rows", "One oh one ways, 100 ways, two million rows"),
        ("The 1st and the 22nd", "The first and the twenty-second"),
        ("At 3:30, version 2.1.3", "At three thirty, version two point one point three"),
        ("C++, C#, and O(n²)", "C plus plus, C sharp, and O of n squared"),
        ("TCP/IP & SQL, e.g. x86_64", "T-C-P slash I-P and S.Q.L., for example, x 86 64"),
        ("What's a HashMap's database?", "What's a hash map's data base?"),
        ("Great job! 🎉🙂", "Great job!"),
        ("Great job! 🎉", "Great job! Party popper."),
        ("🎉", ""),
        ('<speak>Hello <break time="1s"/>world</speak>', "Hello world."),
        ('<speak>Hello <break time="1s"/>world</speak>', '<speak>Hello <break time="1s"/>world</speak>'),
        ("Hello world.", "<text>\nHello world.\n</text>"),
        ("Was kostet das Café für 42 Gäste?", "Was kostet das Cafe für zweiundvierzig Gäste?"),
        ("L’index coûte 91 euros, n'est-ce pas ?", "L'index coûte quatre-vingt-onze euros, n'est-ce pas?"),
        ("¿Cuántas son 35 filas?", "Cuántas son treinta y cinco filas."),
        ("Сколько будет 42?", "сколько будет сорок два"),
        ("你好，世界有3个。", "你好世界有三个"),
        ("データベースとは何ですか？", "データベースとは 何ですか"),
        ("Serve 100k users in 10ms", "Serve one hundred thousand users in ten milliseconds"),
        ("5GB in 30s", "five gigabytes in thirty seconds"),
        ("In the 1980s, $1M was a lot", "In the nineteen eighties, one million dollars was a lot"),
        ("Node.js, .NET, CI/CD and HTTP/2", "Node JS, dot net, CI CD and HTTP two"),
        ("a != b && n ≥ 2", "a not equal to b and and n greater than or equal to two"),
        ("1 000 000 Zeilen, 10:00", "Eine Million Zeilen, 10 o'clock"),
        ("Use Array.prototype.map() in TypeScript", "Use array prototype map in Type Script"),
        ("Mr. Smith, Ph.D., okay?", "Mister Smith, PhD, OK?"),
        ("Pay 1,000.5 or 1.234.567,25", "Pay one thousand point five or 1234567.25"),
        ("Is 127.0.0.1 local?", "Is one twenty-seven dot zero dot zero dot one local?"),
        ("Among 10⁶ and 2³ rows", "Among ten to the power of six and two cubed rows"),
        ("Among 10⁶ rows", "Among 10^6 rows"),
        ("−5, 10⁻³, ≈ ∞", "Minus five, ten to the minus three, almost equal to infinity"),
        ("2/3 of a 5 km run, 1/2 a MB", "Two thirds of a five kilometer run, one half a megabyte"),
        ("St. John Jr. of World War II", "Saint John Junior of World War Two"),
    ],
)  # fmt: skip
def test_difference_of_the_same_words_is_none(text: str, transcript: str) -> None:
    assert difference(text, transcript) is None


@pytest.mark.parametrize(
    ("text", "transcript", "expected"),
    [
        ("Explain how a hash table works.", "A hash table maps keys to values.", '"explain how a hash"'),
        ("What is a heap?", "Sure! What is a heap?", 'was read as "sure what is a"'),
        ("What is a heap?", "What is a heap? It is a tree.", 'was read as "a heap it is a tree"'),
        ("What is a heap?", "What is a", '"is a heap" was read as'),
        ("What is a heap?", "", "was read as nothing"),
        ("Use 42 threads.", "Use forty-three threads.", '"use 42 threads" was read as "use forty'),
        ("Use 42 threads.", "Use many threads.", '"use 42 threads"'),
        ("Use 3 threads.", "Use a threads.", '"use 3 threads"'),
        ("Scale!", "Not scale!", "was read as"),
        ("It does not scale.", "It does scale.", '"it does not scale"'),
        ("It can't scale.", "It can scale.", "was read as"),
        ("I will go.", "I would go.", "was read as"),
        ("Was kostet das für 42 Gäste?", "Was kostet das für viele Gäste?", "was read as"),
        ("你好，世界。", "你好，朋友。", "was read as"),
        ("What does <div> do?", "What does do?", '"what does div do"'),
        ("Among 2³ rows", "Among twenty-three rows", '"among 2 3 rows" was read as'),
    ],
)
def test_difference_of_other_words_is_described(text: str, transcript: str, expected: str) -> None:
    found = difference(text, transcript)

    assert found is not None
    assert expected in found


def test_difference_of_a_long_text_is_found_in_time() -> None:
    text = "Use 42 of the data base's 1,000 rows, and don't ask why. " * 60

    assert difference(text, text.upper()) is None
    assert difference(text, f"{text} Done.") is not None


def test_difference_of_a_number_and_a_word_of_many_stems_is_found_in_time() -> None:
    assert difference("Use 5 rows.", f"Use {'een' * 100}x rows.") is not None
