"""The database rows for one job of each queue."""

from __future__ import annotations

from psycopg2.extensions import cursor


def add_interview(database: cursor) -> None:
    """Insert interview i1 of user u1, with question q1 and recording r1 of the object r1.wav."""
    database.execute('INSERT INTO interviews ("id", "userId") VALUES (%s, %s)', ["i1", "u1"])
    database.execute(
        'INSERT INTO interview_questions ("id", "interviewId", "order", question) '
        "VALUES ('q1', 'i1', 1, 'What is an index?')"
    )
    database.execute(
        'INSERT INTO interview_recordings ("id", "interviewId", "userId", filename, "mimeType") '
        "VALUES ('r1', 'i1', 'u1', 'r1.wav', 'audio/wav')"
    )
