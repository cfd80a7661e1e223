-- needs: gate, events, choosing, starting, job_reply, limits, holding

--: ms between two looks of a slot at a queue that is paused or held: somebody may lift that at any time.
local GATE_POLL = 1000

-- The number after the one in a field, as text.
local function succeeding(text) return string.format('%.0f', (integer(text) or 0) + 1) end

-- needs: probing

-- Starts the next job of the slot, whatever it is, and returns what claim.lua does.
local function claim(instance, slot, lease, limit, duration, probe_interval)
  local worker_id = instance .. ':' .. slot
  -- A server that is out of memory lets nobody begin with what may need some; who has written already may go on. What
  -- ends frees memory.
  redis.call('LTRIM', active_key(worker_id), '0', '-1')
  register(instance, slot, lease)
  local gate = read_gate()
  limit, duration = limit_in_force(gate.limit, limit, duration)
  local held = hold_left(gate.heldUntil, gate.heldSetAt)
  -- What is over is forgotten, or the queue would be out of the ordinary for ever, and each turn take the longer way.
  if (gate.heldUntil or gate.heldSetAt) and held <= 0 then
    redis.call('HDEL', GATE, 'heldUntil', 'heldSetAt', 'heldReason')
  end
  if gate.eventsUntil and not events_wanted(gate.eventsUntil) then redis.call('HDEL', GATE, 'eventsUntil') end
  local id, job = next_in_flight(worker_id)
  if not id then return start_nothing(worker_id) end
  -- Of this very slot: an active job of nobody, edited by hand, is started like any other. Unowned, it could never
  -- be settled.
  if job[1] == 'active' and job[2] == worker_id then return {'job', whole(id)} end
  local attempt, fencing_token = succeeding(job[4]), succeeding(job[5])
  if gate.paused then return {'wait', GATE_POLL} end
  if held > 0 then return {'wait', math.min(GATE_POLL, held)} end
  if gate.outOfService then return claim_probe(worker_id, gate, id, probe_interval, limit, duration) end
  local delay = start(worker_id, id, attempt, fencing_token, limit, duration)
  if delay > 0 then return {'wait', delay} end
  return {'job', whole(id)}
end
