-- needs: placing, jobs

-- Removes a waiting job from the list; if it was the last of its priority, the one ahead becomes that. Returns false if
-- the job is not in the list.
local function remove_waiting(id)
  local position = redis.call('LPOS', WAIT, id)
  if not position then return false end
  local priority = redis.call('ZSCORE', PRIORITY_INDEX, id)
  if priority then
    redis.call('ZREM', PRIORITY_INDEX, id)
    local ahead = redis.call('LINDEX', WAIT, position + 1)
    if ahead and priority_of(ahead) == tonumber(priority) then redis.call('ZADD', PRIORITY_INDEX, priority, ahead) end
  end
  redis.call('LREM', WAIT, 1, id)
  return true
end
