-- needs: events, jobs, pardons
--
-- A queue is out of service after failures with a cause that its jobs share. Only probes start, and their failures are
-- excused.
--
-- Fields of the gate: `outOfService`, the last message of the `service`; `outOfServiceSince` (ms); `outage`, the number of
-- the outage; `signature`, see failures.lua, if the cause is an unknown error; `tried`, how many different jobs have met
-- the outage; `probing`, the id of the running probe; `probeAt`, when the next one may start, and `probeSetAt`, when that
-- was set (ms); `failedProbes`; `probes`, how many have started.
--
-- Fields of a job: `outage`, the last outage that it met; `probe`, its number among the probes of that outage, 0 if it
-- has not probed; `outages`, how many it has met; `excused`, how many of its failures do not count.

--: Different jobs that have to meet an outage before only one job at a time probes.
local ENOUGH_TRIED = 3

--: ms before the first probe; it doubles with each failed one, up to a ceiling.
local FIRST_PROBE = 1000

-- Sets when the next probe may start (ms).
local function set_probe(gate, at)
  gate.probeAt, gate.probeSetAt = at, now
  redis.call('HSET', GATE, 'probeAt', at, 'probeSetAt', now)
end

-- ms until the next probe may start; 0 or less if it may now. If the clock was set back since, its time moves back too.
local function probe_left(gate)
  local set_back = math.max(0, (integer(gate.probeSetAt) or 0) - now)
  local left = (integer(gate.probeAt) or 0) - set_back - now
  if set_back > 0 then set_probe(gate, now + left) end
  return left
end

-- Marks a job as one that has met the outage.
local function meet(id, outage)
  redis.call('HSET', job_key(id), 'outage', outage, 'probe', 0)
  add(id, 'outages', 1)
  note_record(id)
end

-- Marks a job as one that has met the outage, and excuses `times` of its attempts. `failures` of them were counted as
-- failures; fewer if the job was replayed since, which resets its counters.
local function excuse(id, outage, failures, times)
  if redis.call('EXISTS', job_key(id)) == 0 or is_overwritten(id) then return end
  if redis.call('HGET', job_key(id), 'outage') ~= outage then
    meet(id, outage)
  end
  local counted = redis.call('HMGET', job_key(id), 'failures', 'attempts')
  local excused = math.min(failures, integer(counted[1]) or 0)
  times = times - failures + excused
  if times == 0 then return end
  if excused > 0 then add(id, 'failures', -excused) end
  add(id, 'attempts', -math.min(times, integer(counted[2]) or 0))
  add(id, 'excused', times)
  count('excused', times)
end

-- Takes the queue out of service. `signature` identifies the cause if it is an unknown error, else it is nil. `tried`: how
-- many different jobs have met the outage so far.
local function close(gate, service, message, signature, tried, first_probe)
  -- If the counters' key has another type, the time identifies the outage.
  local number = redis.pcall('HINCRBY', STATS, 'outages', 1)
  gate.outage = type(number) == 'number' and string.format('%.0f', number) or timestamp
  gate.outOfService, gate.failedProbes = message, 0
  set_probe(gate, now + first_probe)
  redis.call('HSET', GATE, 'service', service, 'outOfService', message, 'outOfServiceSince', now, 'outage', gate.outage,
    'tried', tried, 'failedProbes', 0)
  if signature then redis.call('HSET', GATE, 'signature', signature) end
  redis.call('HDEL', GATE, 'streak')
  emit_queue_event(gate.eventsUntil, 'out-of-service', service, message)
end

-- Brings the queue back into service.
local function open(gate)
  local service = redis.call('HGET', GATE, 'service')
  redis.call('HDEL', GATE, 'streak', 'service', 'outOfService', 'outOfServiceSince', 'outage', 'signature', 'tried',
    'probing', 'probeAt', 'probeSetAt', 'failedProbes', 'probes')
  emit_queue_event(gate.eventsUntil, 'in-service', service or '', gate.outOfService)
end

-- Delays the next probe, if this job was the probe that failed: twice as long as the last time.
local function probe_failed(gate, id, ceiling, spread, at_least)
  if gate.probing ~= id then return end
  local failed = (integer(gate.failedProbes) or 0) + 1
  local pause = math.min(ceiling, FIRST_PROBE * 2 ^ math.min(failed, 30) * (1 + spread))
  set_probe(gate, now + math.floor(math.max(pause, at_least)))
  redis.call('HSET', GATE, 'failedProbes', failed)
  redis.call('HDEL', GATE, 'probing')
end

-- Lets another job probe at once if this job was the probe, and ended in a way that says nothing about the service.
local function end_inconclusive_probe(id)
  if redis.call('HGET', GATE, 'probing') ~= id then return end
  set_probe({}, now)
  redis.call('HDEL', GATE, 'probing')
end
