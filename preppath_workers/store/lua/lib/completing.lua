-- needs: gate, events, ownership, completions, durations, outage, groups

-- Settles a job that succeeded, if the caller still owns it. Returns "completed", also if the call is repeated;
-- "reopened" if the job was the probe that brought the queue back into service; "lost" if another worker owns the
-- job; "gone" if Redis has no such job.
local function complete(id, worker_id, fencing_token, result, keep, listed, buckets, wait_ms, run_ms)
  local key = job_key(id)
  local state = state_if_owned(id, worker_id, fencing_token)
  if state == 'completed' then return 'completed' end
  if state ~= 'active' then return disowned(id) end
  local gate = read_gate()
  redis.call('LREM', active_key(worker_id), '1', id)
  -- needs: succeeded
  local most = tonumber(listed)
  if most > 0 then
    -- pcall: a key of another type must not stop a completion half-way.
    local length = redis.pcall('LPUSH', COMPLETED, id)
    if type(length) == 'number' then trim_completions(length, most) end
  end
  if buckets then count_attempt('completed', buckets, wait_ms, run_ms) else count('completed') end
  if events_wanted(gate.eventsUntil) then emit(id, 'completed') end
  if may_have_group then end_in_group(id, 'completed') end
  local reopened = false
  if gate.outOfService then
    -- Only a probe shows that the service works: other jobs may have started before the outage.
    local job = redis.call('HMGET', key, 'outage', 'probe')
    reopened = job[1] == gate.outage and (integer(job[2]) or 0) > 0
    if reopened then open(gate) end
  elseif gate.streak then
    redis.call('HDEL', GATE, 'streak')
  end
  redis.call('PEXPIRE', key, keep)
  return reopened and 'reopened' or 'completed'
end
