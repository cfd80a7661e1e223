-- A hold that a vendor asked for: fields of `gate`, when it ends and when it was decided on (ms).

-- ms until the hold ends; 0 or less when there is none. The clock may have been put back since: then the end goes back
-- with it.
local function hold_left(held_until, set_at)
  local set_back = math.max(0, (integer(set_at) or 0) - now)
  local left = (integer(held_until) or 0) - set_back - now
  if set_back > 0 then redis.call('HSET', GATE, 'heldUntil', now + left, 'heldSetAt', now) end
  return left
end
