-- needs: outage, choosing, starting, job_reply, removing
--
-- Chooses which job may start while the queue is out of service: one probe at a time, each with another job if possible.

--: The next probe is chosen among this many of the first and of the last waiting entries. One call removes at most this many
--: stale entries.
local PROBE_WINDOW = 100

-- Whether a job has failed or probed before, by its counters: then it may have caused failures itself.
local function has_met_failures(failures, excused, outages)
  return (integer(failures) or 0) > 0 or (integer(excused) or 0) > 0 or (integer(outages) or 0) > 0
end

-- The entry to probe with: one that has never failed, else one that has not met this outage, else the one that probed
-- longest ago. With `from_behind` the search starts at the end: if many jobs at the head cannot succeed, they must not all
-- probe before one that can. Returns the entry, and whether it has met the outage.
local function choose_probe(outage, from_behind)
  local ends = { later.first_waiting, later.last_waiting }
  if from_behind then ends = { later.last_waiting, later.first_waiting } end
  local unmet, met, earliest
  for _, waiting in ipairs(ends) do
    for _, entry in ipairs(waiting(PROBE_WINDOW)) do
      local job = fields_of(entry, 'outage', 'probe', 'failures', 'excused', 'outages')
      if job.err then
        -- It was overwritten: the next claim that meets it sets it aside.
      elseif job[1] ~= outage then
        if not has_met_failures(job[3], job[4], job[5]) then return entry, false end
        unmet = unmet or entry
      else
        local probe = integer(job[2]) or 0
        if not earliest or probe < earliest then met, earliest = entry, probe end
      end
    end
  end
  return unmet or met, not unmet
end

-- Removes the entry from `wait`. Returns the id of its job; nil if it has none that may start.
local function take_entry(entry)
  local job = fields_of(entry, 'state', 'workerId', 'fencingToken', 'expiresAt')
  if redis.call('LINDEX', WAIT, '-1') == entry then redis.call('RPOP', WAIT) else remove_waiting(entry) end
  if not job[1] then return ingest_to_start(entry) end
  if is_stale_entry(job[1], job[2]) or end_if_expired(entry, job[3], job[4]) then return nil end
  return entry
end

-- Starts a probe, if one may start now; returns what claim.lua returns. Requeues the job that the slot has reserved
-- first, so that any job can be chosen.
local function claim_probe(worker_id, gate, reserved, ceiling, limit, duration)
  local active = active_key(worker_id)
  if reserved then
    redis.call('RPOP', active)
    place_first(reserved, priority_of(reserved))
  end
  local left = probe_left(gate)
  local enough_tried = (integer(gate.tried) or 0) >= ENOUGH_TRIED
  local from_behind = enough_tried and (integer(gate.probes) or 0) % 2 == 0
  local function wait()
    redis.call('ZREM', RESERVATIONS, worker_id)
    return {'wait', math.min(GATE_POLL, left)}
  end
  if left > 0 and enough_tried then return wait() end
  for _ = 1, PROBE_WINDOW do
    local entry, has_met = choose_probe(gate.outage, from_behind)
    if not entry then return start_nothing(worker_id) end
    if left > 0 and has_met then return wait() end
    local id = take_entry(entry)
    if id then
      redis.call('RPUSH', active, id)
      local job = redis.call('HMGET', job_key(id), 'attempts', 'fencingToken')
      local delay = start(worker_id, id, succeeding(job[1]), succeeding(job[2]), limit, duration)
      if delay > 0 then return {'wait', delay} end
      if not has_met then
        redis.call('HINCRBY', GATE, 'tried', 1)
        meet(id, gate.outage)
      end
      if left <= 0 then
        redis.call('HSET', GATE, 'probing', id)
        set_probe(gate, now + ceiling)
      end
      redis.call('HSET', job_key(id), 'probe', redis.call('HINCRBY', GATE, 'probes', 1))
      return {'job', job_reply(id)}
    end
  end
  return {'wait', 1}
end
