-- needs: places, placing, ownership, reservations, dead_letters, durations, causes, jobs, failures, instances
-- needs: gate, ending_cancelled, ledger, failed_attempts, capped
--
-- Settles a job that failed, if the caller still owns it: delayed until its backoff is over, or moved to the dead-letter
-- list if its retries are used up or a retry cannot help. Decides whether the failure counts against the job: see
-- failures.lua and pardons.lua.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  worker_id
-- ARGV[4]  fencing token
-- ARGV[5]  error (JSON)
-- ARGV[6]  kind of failure: `invalid` or `permanent` (no retry can help), `service`, `refused`, `paid`, `unknown`
--          (see failures.lua), or `machine` (the worker's machine lacks a resource: never counts)
-- ARGV[7]  the service that failed; "" if unknown
-- ARGV[8]  the error message; of unknown errors it identifies the error, see failures.lua
-- ARGV[9]  retries allowed
-- ARGV[10] backoff before the first retry (ms); it doubles with each further retry
-- ARGV[11] the longest backoff (ms)
-- ARGV[12] jitter: the fraction of the backoff that is added to it, such as 0.07
-- ARGV[13] the shortest delay, as the vendor asked (ms)
-- ARGV[14] the longest time between two probes (ms)
-- ARGV[15] how long a job waits for a service since its first failure (ms)
-- ARGV[16] the field of `durations` that counts its wait and run; missing from workers of earlier versions
-- ARGV[17] how long this worker's attempts waited that were not added up yet (ms); missing most of the time
-- ARGV[18] how long they ran (ms)
--
-- Returns one of:
--   {"delayed", ms, account, gate}   until the retry; 0: the job is in `wait`
--   {"dead", reason, account, gate}  the job is in the dead-letter list
--   {"cancelled"}                    it was cancelled meanwhile
--   {"lost"}                         another worker owns it
--   {"gone"}                         there is no such job
-- `account`: "counted" or "excused". `gate`: "closed" if the failure took the queue out of service, else "open". A repeated
-- call returns neither.

local id, worker_id, fencing_token, failure = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local kind, service, message = ARGV[6], ARGV[7], ARGV[8]
local retries, backoff, longest = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local spread, at_least, patience = tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[15])
local limits = { ceiling = tonumber(ARGV[14]), spread = spread, at_least = at_least }

local key = job_key(id)
local state = state_if_owned(id, worker_id, fencing_token)
if state == 'delayed' then return {'delayed', (redis.call('ZSCORE', DELAYED, id) or now) - now} end
-- Repeated after a backoff of 0.
if state == 'waiting' and (integer(redis.call('HGET', key, 'failures')) or 0) > 0 then return {'delayed', 0} end
if state == 'failed' then return {'dead', redis.call('HGET', key, 'reason')} end
if state == 'cancelled' then return {'cancelled'} end
if state ~= 'active' then return {disowned(id)} end
check_places()
if end_if_cancelled(id, worker_id) then return {'cancelled'} end

local gate = read_gate()
redis.call('LREM', active_key(worker_id), '1', id)
redis.call('ZREM', RESERVATIONS, worker_id) -- it may have waited for a further token
close_open_calls(id) -- an interrupt may have left some
if ARGV[16] then count_attempt('failed', ARGV[16], ARGV[17], ARGV[18]) end
note_failed_attempt(id, failure)

if kind == 'invalid' or kind == 'permanent' then
  add(id, 'failures', 1)
  end_inconclusive_probe(id)
  add_dead_letter(id, kind, failure)
  return {'dead', kind, 'counted', 'open'}
end

local function has_waited_too_long()
  redis.call('HSETNX', key, 'failingSince', now)
  return now - (integer(redis.call('HGET', key, 'failingSince')) or now) > patience
end

local function backoff_for(failures)
  local pause = math.min(math.max(longest, backoff), backoff * 2 ^ math.min(failures - 1, 50))
  return math.floor(math.max(pause * (1 + spread), at_least))
end

local function delay_by(ms, account, gate_state)
  redis.call('HDEL', key, 'turn')
  count('retried')
  count_cause(account == 'excused' and 'excused' or 'retried', failure)
  if ms <= 0 then
    redis.call('HSET', key, 'state', 'waiting', 'error', failure, 'queuedAt', now)
    place_last({ id }, priority_of(id))
    return {'delayed', 0, account, gate_state}
  end
  redis.call('HSET', key, 'state', 'delayed', 'error', failure)
  redis.pcall('HDEL', CAPPED, id) -- this delay must not end when its user has budget again
  delay_until(now + ms, id)
  return {'delayed', ms, account, gate_state}
end

local function move_to_dead(reason, account, gate_state)
  add_dead_letter(id, reason, failure)
  return {'dead', reason, account, gate_state}
end

if kind == 'machine' then
  local instance = string.match(worker_id, '^(.*):%d+$')
  redis.call('HSET', instance_key(instance), 'trouble', failure, 'troubleAt', now)
  end_inconclusive_probe(id)
  add(id, 'attempts', -1)
  local excused = add(id, 'excused', 1)
  count('excused')
  if has_waited_too_long() then return move_to_dead('machine', 'excused', 'open') end
  return delay_by(math.min(backoff_for(excused), math.max(limits.ceiling, backoff)), 'excused', 'open')
end

local failures = integer(redis.call('HGET', key, 'failures')) or 0
local verdict, closed = judge(gate, id, kind, service, message, failures + 1 > retries, limits)
local gate_state = closed and 'closed' or 'open'
if verdict == 'pardoned' then
  local pause = backoff_for(failures + integer(redis.call('HGET', key, 'pardons')))
  return delay_by(math.max(math.min(pause, limits.ceiling), at_least, backoff), 'excused', gate_state)
end
if verdict == 'counted' then
  if failures == 0 and (kind == 'service' or kind == 'refused') then note_record(id) end
  failures = add(id, 'failures', 1)
  if failures > retries then return move_to_dead('retries', 'counted', gate_state) end
  return delay_by(backoff_for(failures), 'counted', gate_state)
end
if has_waited_too_long() then return move_to_dead('out-of-service', 'excused', gate_state) end
return delay_by(math.max(backoff_for(1), probe_left(gate)), 'excused', gate_state)
