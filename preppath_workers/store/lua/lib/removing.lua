-- needs: rounds, positions, jobs

-- Removes a waiting job. If it was the last of its round, the one ahead of it becomes the last. Returns false if the job is
-- neither in `wait` nor in LATER. `find`: what finds it in `wait`, position_of if missing.
local function remove_waiting(id, find)
  local member = later.find(id)
  if member then
    give_up_turn(id, priority_of(id))
    redis.call('ZREM', LATER, member)
    return true
  end
  local position = (find or position_of)(id)
  if not position then return false end
  local score = redis.call('ZSCORE', PRIORITY_INDEX, id)
  give_up_turn(id, priority_of(id), position)
  if score then
    redis.call('ZREM', PRIORITY_INDEX, id)
    local ahead = redis.call('LINDEX', WAIT, position + 1)
    if ahead and tonumber(score_of(priority_of(ahead), (turn_of(ahead)))) == tonumber(score) then
      redis.call('ZADD', PRIORITY_INDEX, score, ahead)
    end
  end
  -- From the nearer end.
  redis.call('LREM', WAIT, position < redis.call('LLEN', WAIT) / 2 and 1 or -1, id)
  return true
end
