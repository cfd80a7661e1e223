-- needs: places

--: Entries at each end of the dead-letter list, which may be long, that are searched before all of it is.
local NEAR_END = 1000

--: Entries that one call searches, besides those near the ends, before it leaves the other ids to the next call.
local MOST_COMPARED = 100000

local compared = 0

local function has_compared_enough() return compared >= MOST_COMPARED end

-- Removes a job from the dead-letter list. Returns whether it was there. Most are near an end: replays begin with the oldest,
-- and operators mostly select from the newest.
local function take_dead(id)
  local is_old = redis.call('LPOS', DEAD, id, 'RANK', -1, 'MAXLEN', NEAR_END)
  local is_new = not is_old and redis.call('LPOS', DEAD, id, 'MAXLEN', NEAR_END)
  if not is_old and not is_new then compared = compared + redis.call('LLEN', DEAD) end
  return redis.call('LREM', DEAD, is_new and 1 or -1, id) == 1
end
