-- The rate limit in force: that of the newest configuration among the instances that work the queue. `limit` holds it,
-- and the heartbeats keep it. Mostly all instances agree and a script uses the limit that it is called with. While they
-- do not, `gate` has the field `limit`: maximum, duration (ms), and until when that is good (ms), apart by blanks.
local LIMIT = base .. 'limit'

-- The limit to use: `agreed` is the field of `gate`, the rest what the script was called with. All of it is text.
local function limit_in_force(agreed, limit, duration)
  if not agreed then return limit, duration end
  local most, span, good_until = string.match(agreed, '^(%d+) (%d+) (%d+)$')
  if most and tonumber(good_until) > now then return most, span end
  return limit, duration
end
