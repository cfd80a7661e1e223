"""The command check: Redis, database, storage and data, on real servers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import psycopg2
import pytest
from redis import Redis

from preppath_workers import Queue
from tests.conftest import ExternalServer
from tests.support.databases import execute, new_database
from tests.support.postgres import PostgresServer
from tests.support.redis import RedisServer

from .conftest import Run

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Check = Callable[..., dict[str, tuple[str, str]]]


@pytest.fixture
def check(run: Run, database_url: str, s3: S3Client, bucket: str) -> Check:
    """Run the command with every server up; return status and detail of each finding, by its subject."""

    assert run("init-db", DATABASE_URL=database_url).returncode == 0

    def check(*words: str, **variables: str) -> dict[str, tuple[str, str]]:
        configured = {
            "OPENAI_API_KEY": "sk-test",
            "DATABASE_URL": database_url,
            "S3_ENDPOINT": s3.meta.endpoint_url,
            "S3_BUCKET": bucket,
            "S3_ACCESS_KEY_ID": "test",
            "S3_SECRET_ACCESS_KEY": "test",
        }
        done = run("check", "--json", *words, **{**configured, **variables})
        assert done.stderr == ""
        findings = json.loads(done.stdout)
        assert done.returncode == max({"ok": 0, "warning": 1, "error": 2}[one["status"]] for one in findings)
        return {finding["what"]: (finding["status"], finding["detail"]) for finding in findings}

    return check


def test_check_of_a_redis_without_persistence_warns(check: Check) -> None:
    with RedisServer() as server:
        found = check("--only", "redis", REDIS_URL=server.url)
    assert found["redis maxmemory-policy"] == ("ok", "noeviction")
    assert found["redis persistence"][0] == "warning"
    assert "appendonly is off" in found["redis persistence"][1]
    assert found["clock"][0] == "ok"
    assert found["redis version"][0] == "ok"


@pytest.mark.parametrize(
    ("settings", "what", "status"),
    [
        ({"appendonly": "yes"}, "redis persistence", "ok"),
        ({"maxmemory-policy": "allkeys-lru"}, "redis maxmemory-policy", "error"),
    ],
)
def test_check_of_redis_settings_reports_their_status(
    check: Check, settings: dict[str, str], what: str, status: str
) -> None:
    with RedisServer(settings=settings) as server:
        assert check("--only", "redis", REDIS_URL=server.url)[what][0] == status


def test_check_by_a_user_without_info_warns(check: Check) -> None:
    with RedisServer() as server, Redis.from_url(server.url) as admin:
        admin.execute_command("ACL", "SETUSER", "limited", "on", ">limited-secret", "~*", "+@all", "-info")
        found = check("--only", "redis", REDIS_URL=f"redis://limited:limited-secret@127.0.0.1:{server.port}")
    assert found["redis maxmemory-policy"] == ("warning", "this user may not ask (INFO)")


def test_check_with_every_server_down_reports_each_and_no_secret(check: Check) -> None:
    found = check(
        "--only", "redis", "--only", "database", "--only", "storage",
        REDIS_URL="redis://:hidden-word@127.0.0.1:9",
        DATABASE_URL="postgresql://u:hidden-word@127.0.0.1:9/x",
        S3_ENDPOINT="http://127.0.0.1:9",
    )  # fmt: skip
    assert {status for status, _ in found.values()} == {"error"}
    assert len(found) == 3
    assert "hidden-word" not in str(found)


def test_check_of_rate_limits_names_those_in_force_elsewhere(check: Check, tts: Queue) -> None:
    def beat(instance: str, most: int, age_ms: int) -> None:
        tts.call("heartbeat", instance, 15_000, 1, 0, most, 60_000, age_ms)

    def found(limit: str) -> tuple[str, str]:
        return check("--only", "limits", TTS_RATE_LIMIT=limit)["tts rate limit"]

    assert found("10/60") == ("ok", "10/60 is configured here, no instance is running")
    beat("new", 10, 100)
    assert found("10/60") == ("ok", "10/60 on all machines")
    assert found("none") == ("warning", "10/60 is in force (new), none is configured here")
    beat("old", 20, 9_000)
    assert found("10/60") == (
        "error",
        "instances differ: 10/60 (new) is in force, old is configured with 20/60",
    )


def test_check_without_redis_says_so_once(check: Check) -> None:
    found = check("--only", "redis", "--only", "limits", "--only", "data", REDIS_URL="redis://127.0.0.1:9")
    assert [*found] == ["redis"]


def test_check_of_a_complete_database_is_ok(check: Check) -> None:
    found = check("--only", "database")
    tables = {what for what in found if what.startswith("table ")}
    assert len(tables) == 4
    assert {found[table][0] for table in tables} == {"ok"}
    assert found["database"][1].startswith("PostgreSQL 1")


def test_check_with_ledger_rows_needs_their_table(check: Check) -> None:
    found = check("--only", "database", LEDGER_ROWS="true")
    assert found["table preppath_worker_costs"] == (
        "error",
        "does not exist; `init-db` creates what is missing",
    )


def test_check_of_a_database_that_accepts_no_writes_is_an_error(check: Check, database_url: str) -> None:
    url = f"{database_url}?options=-c%20default_transaction_read_only%3Don"
    reason = "accepts no writes: default_transaction_read_only is on"
    assert check("--only", "database", DATABASE_URL=url)["database"] == ("error", reason)


def test_check_of_a_database_with_another_encoding_warns(
    check: Check, database_server: PostgresServer | ExternalServer
) -> None:
    with new_database(database_server.url, "LATIN1") as url:
        status, said = check("--only", "database", DATABASE_URL=url)["database encoding"]

    assert (status, said.split()[0]) == ("warning", "LATIN1")


def test_check_of_missing_tables_and_privileges_is_an_error(check: Check, database_url: str) -> None:
    connection = psycopg2.connect(database_url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE answer_feedback")
        cursor.execute("DROP ROLE IF EXISTS reader_of_check")
        cursor.execute("CREATE ROLE reader_of_check LOGIN")
        cursor.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader_of_check")
        cursor.execute("SELECT current_database()")
        (name,) = cursor.fetchone() or ("",)
    host, port = connection.info.host, connection.info.port

    found = check("--only", "database", DATABASE_URL=f"postgresql://reader_of_check@{host}:{port}/{name}")

    with connection.cursor() as cursor:
        cursor.execute("DROP OWNED BY reader_of_check; DROP ROLE reader_of_check")
    connection.close()
    assert found["table answer_feedback"] == ("error", "does not exist; `init-db` creates what is missing")
    assert found["table interview_questions"] == ("error", "this user lacks the privileges UPDATE")
    assert found["table interviews"][0] == "ok"


def test_check_and_init_db_of_a_missing_schema_say_so(check: Check, run: Run, database_url: str) -> None:
    url, reason = f"{database_url}?schema=none", "the schema in DATABASE_URL does not exist, or this user may"
    found = check("--only", "database", DATABASE_URL=url)
    assert found["database schema"] == ("error", f"{reason} not use it")
    assert [what for what in found if what.startswith("table ")] == []
    refused = run("init-db", DATABASE_URL=url)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"init-db: cannot create tables: {reason}")


def test_check_of_missing_columns_is_an_error(check: Check, database_url: str) -> None:
    execute(database_url, 'ALTER TABLE interview_questions DROP COLUMN "aiEvaluation", DROP COLUMN score')

    found = check("--only", "database")

    assert found["table interview_questions"] == ("error", "has no columns aiEvaluation, score")
    assert found["table interviews"][0] == "ok"


def test_check_with_more_workers_than_connections_warns(check: Check) -> None:
    assert check("--only", "database")["connections"][0] == "ok"

    found = check("--only", "database", EVALUATION_CONCURRENCY="300")["connections"]
    assert found[0] == "warning"
    assert re.match(r"305 workers on 1 machine, \d+ connections for this user", found[1])


def test_check_counts_the_workers_of_every_live_instance(check: Check, tts: Queue) -> None:
    for instance in ("one", "two", "three"):
        tts.redis.hset(tts.keys.instance(instance), "slots", "1")
        tts.redis.zadd(tts.keys.instances, {instance: tts.now() + 60_000})

    found = check("--only", "database", TTS_CONCURRENCY="40")["connections"]

    assert found[1].startswith("127 workers on 3 machines"), (
        "tts counts live instances; the other queues have none"
    )


def test_check_of_a_usable_bucket_is_ok(check: Check, bucket: str) -> None:
    found = check("--only", "storage")
    assert found == {
        f"bucket {bucket}": ("ok", "is writable"),
        "signed URLs": ("ok", "can be downloaded"),
        "missing objects": ("ok", "are distinguishable from forbidden ones"),
    }
    assert check("--only", "storage", S3_BUCKET="no-such-bucket")["bucket no-such-bucket"][0] == "error"


def test_check_with_fix_repairs_a_missing_job(check: Check, tts: Queue, redis: Redis) -> None:
    tts.enqueue({}, id="lost")
    redis.delete(tts.keys.wait, tts.keys.priority_index)

    assert check("--only", "data")["tts data"] == (
        "error",
        "job lost is in none of the lists, so it would never run",
    )
    fixed = check("--only", "data", "--fix")
    assert fixed["tts data"] == (
        "warning",
        "job lost is in none of the lists, so it would never run (repaired)",
    )
    assert check("--only", "data")["tts data"] == ("ok", "every job is in one place")
    assert tts.counts().waiting == 1


def test_check_with_fast_skips_the_slow_checks(check: Check) -> None:
    found = check("--fast")
    assert "database" in found
    assert not any(what.startswith(("table", "bucket", "tts")) for what in found)


def test_check_with_a_wrong_configuration_exits_with_78(run: Run) -> None:
    wrong = run("check", "--fast", TTS_CONCURRENCY="many")
    assert wrong.returncode == 78
    assert "error    configuration: TTS_CONCURRENCY" in wrong.stdout
