-- needs: places

--: Entries that are looked at from each end of the dead-letter list, which may be long, before all of it is.
local NEAR_END = 1000

-- Removes a job from the dead-letter list. Returns whether it was there. Most are near an end: replays begin with the
-- oldest, and a person picks from the newest.
local function take_dead(id)
  local is_new = not redis.call('LPOS', DEAD, id, 'RANK', -1, 'MAXLEN', NEAR_END)
    and redis.call('LPOS', DEAD, id, 'MAXLEN', NEAR_END)
  return redis.call('LREM', DEAD, is_new and 1 or -1, id) == 1
end
