"""A comment in an MP3 file: one frame `COMM` of an ID3v2.4 tag before the sound (https://id3.org/id3v2.4.0-frames)."""

from __future__ import annotations

#: The frame's text is UTF-8, in English, and has no description.
_PREFIX = b"\x03eng\0"


def with_comment(file: bytes, comment: str) -> bytes:
    """Return the MP3 file, which must have no tag yet, with the comment."""
    content = _PREFIX + comment.encode()
    frame = b"COMM" + _size(content) + b"\0\0" + content
    return b"ID3\x04\0\0" + _size(frame) + frame + file


def comment_of(file: bytes) -> str | None:
    """Return a comment that `with_comment` wrote, or None."""
    if file[:5] != b"ID3\x04\0" or file[10:14] != b"COMM" or file[20:25] != _PREFIX:
        return None
    size = sum(byte << 7 * place for place, byte in enumerate(reversed(file[14:18])))
    return file[25 : 20 + size].decode(errors="replace")


def _size(content: bytes) -> bytes:
    """Four times seven bits."""
    return bytes(len(content) >> shift & 0x7F for shift in (21, 14, 7, 0))
