-- needs: gate, events, ownership, completions, outage

-- Settles a job that succeeded, if it is still the caller's. Returns "completed", also when this very attempt
-- completed it before; "reopened" when it was the probe that brought the queue back into service; or "lost" when it is
-- another's now.
local function complete(id, worker_id, fencing_token, result, keep, listed)
  local key = job_key(id)
  local state = state_if_owned(id, worker_id, fencing_token)
  if state == 'completed' then return 'completed' end
  if state ~= 'active' then return 'lost' end
  local gate = read_gate()
  redis.call('LREM', active_key(worker_id), '1', id)
  note_completion(id, result, listed)
  if events_wanted(gate.eventsUntil) then emit(id, 'completed') end
  local reopened = false
  if gate.outOfService then
    -- One that ran already when the service failed proves nothing.
    local job = redis.call('HMGET', key, 'outage', 'probe')
    reopened = job[1] == gate.outage and (integer(job[2]) or 0) > 0
    if reopened then open(gate) end
  elseif gate.streak then
    redis.call('HDEL', GATE, 'streak')
  end
  redis.call('PEXPIRE', key, keep)
  return reopened and 'reopened' or 'completed'
end
