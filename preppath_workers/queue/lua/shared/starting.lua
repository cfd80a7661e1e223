-- needs: meta, tokens

--: ms between two looks of a slot at a queue that is paused or held: somebody may lift that at any time.
local GATE_POLL = 1000

-- Starts the job in the slot's hand, as the attempt and with the fencing number that are given (as text), and
-- returns 0; or how long to wait before the next try (ms).
local function start(owner, id, attempt, fence, meta, limit, duration)
  if meta.paused then return GATE_POLL end
  local held = (integer(meta.heldUntil) or 0) - now
  if held > 0 then return math.min(GATE_POLL, held) end
  local delay = take_token(owner, id .. '#' .. fence, limit, duration)
  if delay > 0 then return delay end
  redis.call('HSET', job_key(id), 'state', 'active', 'owner', owner, 'startedAt', timestamp, 'fence', fence,
    'attempts', attempt)
  return 0
end
