-- needs: placing, jobs

-- Takes a waiting job out of the list; its lane's pointer moves to the neighbour ahead. False if not there.
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
