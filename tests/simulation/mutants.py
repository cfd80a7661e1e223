# ruff: noqa: E501 — lines of scripts may be long
"""Broken variants of the scripts and the consumer: the simulation must catch each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha1

from preppath_workers.store.scripts import Script, scripts

from .model import Broken, Model
from .proxy import Proxy
from .short_list import replaced


@dataclass(frozen=True)
class Mutant:
    """What is broken: in each of the scripts that has it, `text` is replaced. `seed` is the first one that a
    search found to catch it."""

    name: str
    text: str
    replacement: str
    seed: int


MUTANTS = (
    Mutant("a settled job's worker_id is not checked", "local state = state_if_owned(id, worker_id, fencing_token)", "local state = redis.call('HGET', job_key(id), 'state')", 4),
    Mutant("a completed job stays in its slot's active list", "local gate = read_gate()\n  redis.call('LREM', active_key(worker_id), '1', id)", "local gate = read_gate()", 4),
    Mutant("completing again completes again", "if state == 'completed' then return 'completed' end\n  if state ~= 'active' then return disowned(id) end", "if not state then return 'lost' end", 1),
    Mutant("a claim forgets what it holds", "if state == 'active' and holder == worker_id then return id, job end", "if state == 'active' and holder == worker_id then redis.call('RPOP', active) return nil end", 0),
    Mutant("a swap loses the reserved job", "place_first(id, priority)\n  return true", "return true", 1),
    Mutant("a claim does not look for more urgent jobs", "id = redis.call('RPOPLPUSH', WAIT, active) or later.refill() and redis.call('RPOPLPUSH', WAIT, active)", "id = redis.call('LPOP', WAIT) if id then redis.call('RPUSH', active, id) end", 1),
    Mutant("settle_and_fetch starts any entry", "if job[1] == 'waiting' and not job[2] then\n  if limit", "do\n  if limit", 0),
    Mutant("settle_and_fetch forgets what else its slot holds", "if moved == id and others == 0 then", "if moved == id then", 6),
    Mutant("settle_and_fetch lists a job as completed that is not", "if listed ~= '0' then call('LPOP', completed) end", "", 0),
    Mutant("settle_and_fetch does not look at the gate", "call('EXISTS', GATE, active)", "call('EXISTS', active)", 6),
    Mutant("a popped job starts before a more urgent one", "if others > 0 and call('EXISTS', WAIT, later) > 0 then return nil end", "", 16),
    Mutant("a reserved job never makes room for a more urgent one", "if not highest or tonumber(highest) >= priority then return false end", "do return false end", 12),
    Mutant("an instance is struck off with a pop under way", "if is_empty and was_gone then", "if true then", 222),
    Mutant("a job that comes alone goes to the end", "if known == 0 or is_behind or is_stale then", "do", 1),
    Mutant("a token is not spent", "redis.call('ZADD', TOKENS, timestamp, purpose .. '#' .. timestamp)", "", 0),
    Mutant("a window holds one start too many", "starts < tonumber(limit) and", "starts <= tonumber(limit) and", 0),
    Mutant("a start does not look for slots that wait for a token", " and redis.call('EXISTS', RESERVATIONS) == 0 then", " then", 798),
    Mutant("a window is a little short", "return acquired and acquired + duration or now", "return acquired and acquired + duration - 25 or now", 166),
    Mutant("a reservation is not compared with real starts", "if not reserved or reserved <= now then\n      moment = free_at", "if not reserved then\n      moment = free_at", 16),
    Mutant("a stopped slot's reservation is kept forever", "redis.call('ZREM', RESERVATIONS, worker_id)\n  return moved, entries", "return moved, entries", 0),
    Mutant("recovery forgets a reserved job", "else\n      place_first(id, priority_of(id))\n    end", "end", 0),
    Mutant("a dead instance's last slot is not looked at", "for slot = 0, slots - 1 do\n    if entries", "for slot = 0, slots - 2 do\n    if entries", 0),
    Mutant("a job may lose its worker once more", "if add(id, 'recoveries', 1) > limit then", "if add(id, 'recoveries', 1) > limit + 1 then", 79),
    Mutant("a released job counts an attempt", "add(id, 'attempts', -1)", "", 1),
    Mutant("a retry too many", "if failures > retries then return move_to_dead", "if failures > retries + 1 then return move_to_dead", 0),
    Mutant("jobs are due too early", "local after = string.format('%.0f', now + 1)", "local after = string.format('%.0f', now + 5000)", 0),
    Mutant("a job that is due is not placed", "add_to(waiting, entry, integer(priority) or DEFAULT_PRIORITY)", "", 0),
    Mutant("an empty priority is not passed over", "forget(pointer, score)\n    end", "redis.call('RPUSH', WAIT, unpack(reversed(ids)))\n      return\n    end", 2),
    Mutant("a priority's pointer is not moved", "redis.call('ZREMRANGEBYSCORE', PRIORITY_INDEX, score, score)", "", 1),
    Mutant("a job that goes back goes to the end", "insert_behind('(' .. priority, { id })", "insert_behind(priority, { id })", 1),
    Mutant("a cancelled job stays in the list", "redis.call('LREM', WAIT, position < redis.call('LLEN', WAIT) / 2 and 1 or -1, id)", "", 1),
    Mutant("a replayed job keeps its failures", "'failures', 0, 'recoveries', 0", "'recoveries', 0", 5),
    Mutant("adding an id again makes a second job", "if state ~= 'cancelled' and state ~= 'expired' then return false end", "", 0),
    Mutant("adopting raw pushes loses them", "WAIT, position + index - 1, stays and id or TAKEN_OUT)", "WAIT, position + index - 1, TAKEN_OUT)", 1),
    Mutant("the gate never opens", "if reopened then open(gate) end", "", 6),
    Mutant("the gate opens on a failure", "probe_failed(gate, id, limits.ceiling, limits.spread, limits.at_least)", "open(gate)", 3),
    Mutant("the gate opens for a job that ran already", "reopened = job[1] == gate.outage and (integer(job[2]) or 0) > 0", "reopened = true", 9),
    Mutant("the gate never closes", "return closes and streak.jobs or nil", "return nil", 6),
    Mutant("the gate does not close for one error of many jobs", "return are_enough(streak.alike, streak.suspects, ALIKE_STREAK) and streak.alike or nil", "return nil", 112),
    Mutant("a streak outlives a completion", "elseif gate.streak then", "elseif false then", 11),
    Mutant("one job closes the gate again and again", "or not is_suspect and (kind == 'refused' or is_last and kind ~= 'paid')", "or kind == 'refused' or is_last and kind ~= 'paid'", 10),
    Mutant("a probe takes the head, whatever it has met", "if job[1] ~= outage then", "if true then", 20),
    Mutant("probes come from the head alone", "if from_behind then", "if false then", 3),
    Mutant("a job that has failed probes before others", "if not has_met_failures(job[3], job[4], job[5]) then", "if true then", 11),
    Mutant("a probe takes the same job again", "if not earliest or probe < earliest then", "if not earliest then", 20),
    Mutant("two probes run at a time", "set_probe(gate, now + ceiling)", "set_probe(gate, now)", 3),
    Mutant("probes do not wait for longer and longer", "FIRST_PROBE * 2 ^ math.min(failed, 30)", "FIRST_PROBE", 3),
    Mutant("a probe that dies keeps the others from probing", "set_probe({}, now)", "set_probe({}, now + 1e12)", 7),
    Mutant("what counts anyway closes the gate alone", "is_last and kind ~= 'paid'", "is_last", 12),
    Mutant("a last failure is never pardoned", "if has_worked_for_others(id) then return false end", "do return false end", 107),
    Mutant("a pardon although others completed", "if has_worked_for_others(id) then return false end", "", 10),
    Mutant("a pardon although failures of others are few", "completions >= WORKS * (1 + math.max(0, of_others))", "completions >= WORKS * (2 + math.max(0, of_others))", 10),
    Mutant("a pardon without end", "(integer(redis.call('HGET', job_key(id), 'pardons')) or 0) >= MOST_PARDONS", "false", 0),
    Mutant("failures that are given back count", "if excused > 0 then add(id, 'failures', -excused) end", "", 15),
    Mutant("failures before a replay are excused", "times = times - failures + excused\n", "", 251),
    Mutant("failures in an outage count", "excuse(id, gate.outage, 0, 1)\n    return 'excused', false", "excuse(id, gate.outage, 0, 1)\n    return 'counted', false", 3),
    Mutant("what may be paid for does not count in an outage", "if kind == 'paid' or kind == 'unknown' and gate.signature ~= signature then", "if kind == 'unknown' and gate.signature ~= signature then", 3),
    Mutant("what may be paid for is given back", "tally(streak.jobs, id, kind == 'paid' and 0 or 1)", "tally(streak.jobs, id, 1)", 9),
    Mutant("a bug that is not the outage's own is given back", "kind == 'paid' or kind == 'unknown' and gate.signature ~= signature", "kind == 'paid'", 14),
    Mutant("a machine's failure counts", "  local excused = add(id, 'excused', 1)\n  count('excused')\n", "  local excused = add(id, 'failures', 1)\n", 1),
    Mutant("patience never ends", "> patience\n", "> patience * 1e6\n", 1),
    Mutant("patience ends at once", "> patience\n", "> patience - 10000\n", 29),
    Mutant("users do not take turns", "return math.max(closed and round_of(closed) or 0, first - 1, 1), first", "return redis.call('ZCARD', PRIORITY_INDEX) + first", 43),
    Mutant("a user's next job joins the same round", "if last then return round_of(last) + 1 end", "if last then return round_of(last) end", 38),
    Mutant("a user's rounds are forgotten", "note_turn(id, priority, user, round, closed)\n  if", "if", 33),
    Mutant("ever new users join the round being served", "if closed then redis.call('ZADD', TURNS, 'GT', score_of(priority, closed), priority) end", "", 248),
    Mutant("a job that goes back keeps its turn", "if redis.call('HDEL', job_key(id), 'turn') == 1 then redis.call('ZREM', PRIORITY_INDEX, id) end", "", 38),
    Mutant("a cancelled job keeps its user's round", "give_up_turn(id, priority_of(id), position)", "", 43),
    Mutant("a cancelled job of `later` keeps its user's round", "    give_up_turn(id, priority_of(id))\n", "", 108),
    Mutant("`wait` is never refilled", "local found = redis.call('ZRANGE', LATER, 0, LONG - 1, 'WITHSCORES')", "local found = {}", 38),
    Mutant("`wait` is refilled in the reverse order", "redis.call('LPUSH', WAIT, unpack(ids))", "redis.call('RPUSH', WAIT, unpack(ids))", 38),
    Mutant("a new job overtakes those of `later`", "if first then return tonumber(score) >= first end", "", 38),
    Mutant("a job that goes back overtakes more urgent ones of `later`", "if first and first < tonumber(priority) then return later.add_first(priority, { id }) end", "", 218),
    Mutant("jobs that move to `later` change their order", "table.insert(run, 1, id)", "table.insert(run, id)", 798),
    Mutant("a cancelled job stays in `later`", "redis.call('ZREM', LATER, member)", "", 78),
    Mutant("a job that expired starts", "or end_if_expired(id, job[5], job[6]) then", "then", 38),
    Mutant("a job expires too early", "if not latest or latest > now", "if not latest or latest > now + 500", 33),
    Mutant("a cancelled job is retried", "if end_if_cancelled(id, worker_id) then return {'cancelled'} end\n\nlocal gate", "local gate", 44),
    Mutant("a cancelled job is released", "if end_if_cancelled(id, worker_id) then return {'cancelled'} end\n\nredis.call('LREM'", "redis.call('LREM'", 74),
    Mutant("a cancelled job completes later", "if state ~= 'active' then return disowned(id) end\n  local gate", "if not state then return 'lost' end\n  local gate", 39),
    Mutant("a cancelled job goes on", "if redis.call('HGET', job_key(id), 'cancelRequestedAt') then return {'cancelled'} end", "", 39),
    Mutant("a dead worker's cancelled job runs again", "if is_cancel_requested(id) then\n        end_cancelled", "if false then\n        end_cancelled", 39),
    Mutant("an instance is not notified of a cancelled job", "redis.call('HSET', cancels_key(instance), slot, id)", "", 34),
    Mutant("a group's repeated completion counts twice", "if state == 'completed' then return 'completed' end", "if state == 'completed' then end_in_group(id, 'completed') return 'completed' end", 39),
    Mutant("a group forgets its expired jobs", "end_in_group(id, 'expired')", "", 34),
    Mutant("a group ends without the jobs to come", "counters.size > 0 and counters.jobs >= counters.size", "counters.size > 0", 34),
    Mutant("a group ends with a job unfinished", "if not counters or counters.open > 0 then return end", "if not counters or counters.open > 1 then return end", 34),
    Mutant("a replayed job does not reopen its group", "    reopen_group(id)\n", "", 89),
    Mutant("closing a group that has ended reports it again", "if not before.has_ended then end_group(group) end", "end_group(group)", 39),
    Mutant("the list of completions grows", "if excess <= math.min(most * UNTRIMMED, UNTRIMMED_MOST) then return end", "do return end", 6),
    Mutant("settling twice counts twice", "redis.call('HDEL', RESERVED, id)\n      if cost", "if cost", 35),
    Mutant("what a dead worker paid is released", "call.kind == 'unknown' then return {'unknown'} end", "call.kind == 'unknown' then return {'void'} end", 35),
    Mutant("recovery forgets open calls", "end_inconclusive_probe(id)\n      close_open_calls(id)", "", 40),
    Mutant("a cost that is sent again counts again", "if before and before.kind ~= 'open' and (before.kind ~= 'unknown' or call.kind == 'unknown') then return end", "", 80),
    Mutant("a late answer counts beside the unknown one", "tally(before, stored, -1)", "", 40),
    Mutant("a cap does not see reservations", "cap and spent + reserved + worst > cap", "false", 70),
    Mutant("a running attempt loses its reservation", "local is_running = job[1] == 'active' and job[2] == token", "local is_running = false", 35),
    Mutant("a lost job's request is sent", "if refused then return refused end\nredis.call('LTRIM', active_key(worker_id), '0', '-1') -- out of memory: as in claiming.lua\nlocal key, field", "local key, field", 50),
)  # fmt: skip


def seeds_until_caught(proxy: Proxy, mutant: Mutant, most: int) -> int | None:
    """Return the first seed that catches the variant; None if none of the first `most` does."""
    with in_place(mutant):
        for seed in range(most):
            try:
                Model(proxy, seed).run()
            except Broken:
                return seed
    return None


@contextmanager
def in_place(mutant: Mutant) -> Iterator[None]:
    """Replace the scripts by the variant inside the block."""
    with replaced(_broken(mutant)):
        yield


def _broken(mutant: Mutant) -> Mapping[str, Script]:
    changed = {}
    for name, script in scripts().items():
        if mutant.text in script.text:
            text = script.text.replace(mutant.text, mutant.replacement)
            digest = sha1(text.encode(), usedforsecurity=False).hexdigest()
            changed[name] = Script(name, text, digest)
    assert changed, f"no script contains the text of {mutant.name!r}"
    return {**scripts(), **changed}
