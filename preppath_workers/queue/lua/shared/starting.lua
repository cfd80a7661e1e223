-- needs: meta, whole, tokens

--: ms between two looks of a slot at a queue that is paused or held: somebody may lift that at any time.
local GATE_POLL = 1000

-- How long to wait before the next look (ms), and whether this start is a probe: of a queue that is out of
-- service one job may start each time a hold ends.
local function gate(meta)
  if meta.paused then return GATE_POLL, false end
  local held = (integer(meta.heldUntil) or 0) - now
  return math.min(GATE_POLL, math.max(0, held)), meta.outOfService and true or false
end

-- Starts the job in the slot's hand, if it may start now; returns what claim.lua does.
local function start(owner, id, attempts, fence, meta, limit, duration, probe_interval)
  local closed, is_probe = gate(meta)
  if closed > 0 then return {'wait', closed} end
  local next_fence = (integer(fence) or 0) + 1
  local delay = take_token(owner, string.format('%s#%.0f', id, next_fence), limit, duration)
  if delay > 0 then return {'wait', delay} end
  if is_probe then redis.call('HSET', META, 'heldUntil', now + probe_interval) end
  redis.call('HSET', job_key(id), 'state', 'active', 'owner', owner, 'startedAt', now, 'fence', next_fence,
    'attempts', (integer(attempts) or 0) + 1)
  return {'job', whole(id)}
end

-- The slot holds nothing.
local function none(owner)
  redis.call('ZREM', RESERVED, owner)
  return {'none'}
end
