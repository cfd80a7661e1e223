-- needs: meta, tokens

--: ms between two looks of a slot at a queue that is paused or held: somebody may lift that at any time.
local GATE_POLL = 1000

-- How long to wait before the next look (ms), and whether this start is a probe: of a queue that is out of
-- service one job may start each time a hold ends.
local function gate(meta)
  if meta.paused then return GATE_POLL, false end
  local held = (integer(meta.heldUntil) or 0) - now
  return math.min(GATE_POLL, math.max(0, held)), meta.outOfService and true or false
end

-- Starts the job in the slot's hand, for the time and with the fencing number that are given (as text), and
-- returns 0; or how long to wait before the next try (ms).
local function start(owner, id, attempt, fence, meta, limit, duration, probe_interval)
  local closed, is_probe = gate(meta)
  if closed > 0 then return closed end
  local delay = take_token(owner, id .. '#' .. fence, limit, duration)
  if delay > 0 then return delay end
  if is_probe then redis.call('HSET', META, 'heldUntil', now + probe_interval) end
  redis.call('HSET', job_key(id), 'state', 'active', 'owner', owner, 'startedAt', timestamp, 'fence', fence,
    'attempts', attempt)
  return 0
end

-- The slot holds nothing for which it could have been promised a token.
local function give_up_promise(owner)
  redis.call('ZREM', RESERVED, owner)
end
