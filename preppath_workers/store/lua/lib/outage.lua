-- needs: gate, events, jobs, pardons
--
-- A queue out of service: what its jobs share has failed. Nothing starts but probes, and their failures are given back.
--
-- Fields of `gate`: `outOfService` (the last words of the `service`) and `outOfServiceSince` (ms); `outage`, the number
-- of this outage; `signature`, when it was one unknown error that all jobs met; `tried`, how many different jobs have
-- met it; `probing`, the id of the probe that runs; `probeAt`, when the next one may start, and `probeSetAt`,
-- when that was decided (ms); `failedProbes`; `probes`, how many have started.
--
-- Fields of a job: `outage`, the last outage that it met; `probe`, its place among the probes of that one, 0 when it
-- has not probed; `outages`, how many it has met; `excused`, how many of its failures do not count.

--: Different jobs that must have met an outage before the others are spared the attempt.
local ENOUGH_TRIED = 3

--: ms before the first probe; each further one waits twice as long, up to a ceiling.
local FIRST_PROBE = 1000

local OUTAGE_FIELDS = {
  'service', 'outOfService', 'outOfServiceSince', 'outage', 'signature', 'tried', 'probing', 'probeAt',
  'probeSetAt', 'failedProbes', 'probes',
}

-- Decides when the next probe may start.
local function set_probe(gate, at)
  gate.probeAt = at
  redis.call('HSET', GATE, 'probeAt', at, 'probeSetAt', now)
end

-- Marks a job as one that met the outage.
local function meet(id, outage)
  redis.call('HSET', job_key(id), 'outage', outage, 'probe', 0)
  add(id, 'outages', 1)
  note_record(id)
end

-- Marks a job as one that met the outage, and gives `failures` of its counted failures back, with their attempts: of
-- `times` attempts in all. What was counted before a replay is forgotten already.
local function excuse(id, outage, failures, times)
  if redis.call('EXISTS', job_key(id)) == 0 then return end
  if redis.call('HGET', job_key(id), 'outage') ~= outage then
    meet(id, outage)
  end
  local counted = redis.call('HMGET', job_key(id), 'failures', 'attempts')
  local given_back = math.min(failures, integer(counted[1]) or 0)
  times = times - failures + given_back
  if times == 0 then return end
  if given_back > 0 then add(id, 'failures', -given_back) end
  add(id, 'attempts', -math.min(times, integer(counted[2]) or 0))
  add(id, 'excused', times)
  count('excused', times)
end

-- Takes the queue out of service. `tried`: how many different jobs have met the outage so far.
local function close(gate, service, words, signature, tried, first_probe)
  -- What was put in the counters' place by hand numbers nothing; the time tells outages apart too.
  local number = redis.pcall('HINCRBY', STATS, 'outages', 1)
  gate.outage = type(number) == 'number' and string.format('%.0f', number) or timestamp
  gate.outOfService, gate.failedProbes = words, 0
  set_probe(gate, now + first_probe)
  redis.call('HSET', GATE, 'service', service, 'outOfService', words, 'outOfServiceSince', now, 'outage', gate.outage,
    'tried', tried, 'failedProbes', 0)
  if signature then redis.call('HSET', GATE, 'signature', signature) end
  redis.call('HDEL', GATE, 'streak')
  announce(gate.eventsUntil, 'out-of-service', service, words)
end

-- Opens the queue again.
local function open(gate)
  local service = redis.call('HGET', GATE, 'service')
  redis.call('HDEL', GATE, 'streak', unpack(OUTAGE_FIELDS))
  announce(gate.eventsUntil, 'in-service', service or '', gate.outOfService)
end

-- The probe that ran has failed: the next one waits twice as long.
local function probe_failed(gate, id, ceiling, spread, at_least)
  if gate.probing ~= id then return end
  local failed = (integer(gate.failedProbes) or 0) + 1
  local pause = math.min(ceiling, FIRST_PROBE * 2 ^ math.min(failed, 30) * (1 + spread))
  set_probe(gate, now + math.floor(math.max(pause, at_least)))
  redis.call('HSET', GATE, 'failedProbes', failed)
  redis.call('HDEL', GATE, 'probing')
end

-- A job ended without a word about the service: if it was the probe, another job may probe at once.
local function probe_said_nothing(id)
  if redis.call('HGET', GATE, 'probing') ~= id then return end
  set_probe({}, now)
  redis.call('HDEL', GATE, 'probing')
end
