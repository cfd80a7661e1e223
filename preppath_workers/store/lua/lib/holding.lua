-- A hold, which a vendor asked for or the budget requires. The gate has its end, `heldUntil`, and when it was set,
-- `heldSetAt` (ms).

-- ms until the hold ends; 0 or less if there is none. If the clock was set back since, the end is moved back too.
local function hold_left(held_until, set_at)
  local set_back = math.max(0, (integer(set_at) or 0) - now)
  local left = (integer(held_until) or 0) - set_back - now
  if set_back > 0 then redis.call('HSET', GATE, 'heldUntil', now + left, 'heldSetAt', now) end
  return left
end
