-- needs: gate, events, choosing, starting, job_reply, limits, vendor_limit, holding

--: ms after which a slot claims again while the queue is paused or held: an operator may end that at any time.
local GATE_POLL = 1000

-- The next number after the one in a field, as text.
local function succeeding(text) return string.format('%.0f', (integer(text) or 0) + 1) end

-- needs: probing

-- Starts the next job of the slot; returns what claim.lua returns.
local function claim(instance, slot, lease, limit, duration, probe_interval)
  local worker_id = instance .. ':' .. slot
  -- When Redis is out of memory, it refuses a script whose first write may need memory, but lets later writes pass. Jobs must
  -- go on then, because only finished ones free memory. So the first write is one that needs none.
  redis.call('LTRIM', active_key(worker_id), '0', '-1')
  register(instance, slot, lease)
  local gate = read_gate()
  limit, duration = limit_in_force(gate.limit, limit, duration)
  local vendor = vendor_window(gate.vendorLimit)
  if gate.vendorLimit and not vendor then redis.call('HDEL', GATE, 'vendorLimit') end
  local held = hold_left(gate.heldUntil, gate.heldSetAt)
  -- Delete what is over: while the gate has any field, no job takes the fast path.
  if (gate.heldUntil or gate.heldSetAt) and held <= 0 then
    redis.call('HDEL', GATE, 'heldUntil', 'heldSetAt', 'heldReason', 'heldFor')
  end
  if gate.eventsUntil and not events_wanted(gate.eventsUntil) then redis.call('HDEL', GATE, 'eventsUntil') end
  local id, job = next_in_flight(worker_id)
  if not id then return start_nothing(worker_id) end
  -- Only if this slot owns it: an active job without an owner (edited by hand) could never be settled, so it is started.
  if job[1] == 'active' and job[2] == worker_id then return {'job', job_reply(id)} end
  local attempt, fencing_token = succeeding(job[4]), succeeding(job[5])
  if gate.paused then return {'wait', GATE_POLL} end
  if held > 0 then return {'wait', math.min(GATE_POLL, held)} end
  if gate.outOfService then return claim_probe(worker_id, gate, id, probe_interval, limit, duration) end
  local delay = start(worker_id, id, attempt, fencing_token, limit, duration, vendor)
  if delay > 0 then return {'wait', delay} end
  return {'job', job_reply(id)}
end
