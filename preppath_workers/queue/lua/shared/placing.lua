-- The wait list stands in the order of execution, its right end next. It is a row of lanes, one for each
-- priority, and `lanes` points at the last (leftmost) job of each, which is where the next one goes in.

-- Puts the id behind the last job of the nearest lane within the bound (a ZRANGEBYSCORE maximum), or in
-- front of all. A pointer whose job has left the list is dropped: then all of its lane has left.
local function insert_behind(bound, id)
  while true do
    local pointer = redis.call('ZREVRANGEBYSCORE', LANES, bound, '-inf', 'LIMIT', 0, 1)[1]
    if not pointer then
      redis.call('RPUSH', WAIT, id)
      return
    end
    if redis.call('LINSERT', WAIT, 'BEFORE', pointer, id) > 0 then return end
    redis.call('ZREM', LANES, pointer)
  end
end

local function point_lane(priority, id)
  redis.call('ZREMRANGEBYSCORE', LANES, priority, priority)
  redis.call('ZADD', LANES, priority, id)
end

-- A job that is new to the list: behind everything of its own priority.
local function place_last(id, priority)
  insert_behind(priority, id)
  point_lane(priority, id)
end

-- A job that goes back: before everything of its own priority.
local function place_first(id, priority)
  insert_behind('(' .. priority, id)
  local pointer = redis.call('ZRANGEBYSCORE', LANES, priority, priority)[1]
  if not pointer or not redis.call('LPOS', WAIT, pointer) then point_lane(priority, id) end
end
