-- needs: jobs
--
-- Finds waiting jobs in `wait`. Searching a list of a million entry by entry would block the server. But the list is in
-- order, so a job is found by its priority, its round and the time when it was placed.

local likely_position, position_of
do
  --: Entries at either end that are searched one by one, and on either side of where a job should be.
  local NEAR_END, NEAR_PLACE = 5000, 500

  -- What orders an entry: its priority, its round and its time. A raw push has not been given an id yet: it is the newest.
  local function order_of(id)
    local job = fields_of(id, 'priority', 'turn', 'queuedAt', 'createdAt')
    local round = string.match(job[2] or '', '^%d+')
    return { integer(job[1]) or DEFAULT_PRIORITY, integer(round) or 0, integer(job[3]) or integer(job[4]) or math.huge }
  end

  -- Whether the first entry starts before the second.
  local function is_before(one, other)
    for index = 1, 3 do
      if one[index] ~= other[index] then return one[index] < other[index] end
    end
    return false
  end

  -- The position (from the left) of a waiting job near the place where the order puts it; nil if it isn't there.
  local function position_in_order(id, length)
    local order, low, high = order_of(id), 0, length
    while low < high do
      local middle = math.floor((low + high) / 2)
      if is_before(order, order_of(redis.call('LINDEX', WAIT, middle))) then low = middle + 1 else high = middle end
    end
    local first = math.max(0, low - NEAR_PLACE)
    for index, entry in ipairs(redis.call('LRANGE', WAIT, first, low + NEAR_PLACE)) do
      if entry == id then return first + index - 1 end
    end
  end

  -- The position (from the left) of a job in `wait`; nil if it isn't there, or is out of order: it was requeued, or placed
  -- while the clock was wrong.
  function likely_position(id)
    local position = redis.call('LPOS', WAIT, id, 'RANK', -1, 'MAXLEN', NEAR_END)
      or redis.call('LPOS', WAIT, id, 'MAXLEN', NEAR_END)
    if position then return position end
    local length = redis.call('LLEN', WAIT)
    return length > 2 * NEAR_END and position_in_order(id, length) or nil
  end

  -- The same for any job. The whole list is searched only for one that is out of order.
  function position_of(id)
    local position = likely_position(id)
    if position or redis.call('LLEN', WAIT) <= 2 * NEAR_END then return position end
    return redis.call('LPOS', WAIT, id) or nil
  end
end
