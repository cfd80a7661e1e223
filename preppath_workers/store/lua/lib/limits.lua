-- The rate limit in force: the one of the newest configuration among the instances of the queue. Heartbeats store it in
-- the hash `limit`. If all instances agree, a script uses the limit that it is called with. Otherwise the gate has the
-- field `limit`: maximum, duration (ms) and until when it applies (ms), separated by spaces.
local LIMIT = base .. 'limit'

-- The limit to use, as text: `agreed` is the field of the gate, `limit` and `duration` the script's arguments.
local function limit_in_force(agreed, limit, duration)
  if not agreed then return limit, duration end
  local most, span, good_until = string.match(agreed, '^(%d+) (%d+) (%d+)$')
  if most and tonumber(good_until) > now then return most, span end
  return limit, duration
end
