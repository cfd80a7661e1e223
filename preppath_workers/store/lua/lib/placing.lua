-- needs: priority_index

--: LINSERT searches from the left end, which is slow if the position is near the right end of a long list. Moving one
--: entry aside and back costs about as much as passing this many. The cheaper way is taken.
local PASSED = 35

--: The most ids in one command, which Lua's stack bounds.
local PORTION = 1000

local function reversed(list)
  local result = {}
  for index = #list, 1, -1 do result[#result + 1] = list[index] end
  return result
end

-- Pushes the ids one by one at one end of the list.
local function push(command, list)
  for first = 1, #list, PORTION do
    redis.call(command, WAIT, unpack(list, first, math.min(first + PORTION - 1, #list)))
  end
end

-- Inserts ids, in the order in which they will run, directly behind the job at this position (from the left). Moves the
-- shorter side of the list aside and back.
local function open_at(position, ids)
  if position <= redis.call('LLEN', WAIT) / 2 then
    local aside = position > 0 and redis.call('LRANGE', WAIT, 0, position - 1) or {}
    if position > 0 then redis.call('LTRIM', WAIT, position, -1) end
    push('LPUSH', ids)
    push('LPUSH', reversed(aside))
  else
    local aside = redis.call('LRANGE', WAIT, position, -1)
    redis.call('LTRIM', WAIT, 0, position - 1)
    push('RPUSH', reversed(ids))
    push('RPUSH', aside)
  end
end

-- Inserts ids directly behind this job. Returns false if it is not in the list.
local function put_behind(pointer, ids)
  local near = math.ceil(redis.call('LLEN', WAIT) / PASSED)
  local position = redis.call('LPOS', WAIT, pointer, 'RANK', -1, 'MAXLEN', near)
  if not position and #ids == 1 then return redis.call('LINSERT', WAIT, 'BEFORE', pointer, ids[1]) > 0 end
  position = position or redis.call('LPOS', WAIT, pointer)
  if not position then return false end
  open_at(position, ids)
  return true
end

-- Inserts ids behind the last job whose priority is within the bound (a ZRANGEBYSCORE maximum), or in front of all jobs.
-- Removes index entries of jobs that have left the list: then all jobs of that priority have left.
local function insert_behind(bound, ids)
  local last = redis.call('LINDEX', WAIT, '0')
  if not last then redis.call('DEL', PRIORITY_INDEX) end
  while last do
    local pointer = redis.call('ZREVRANGEBYSCORE', PRIORITY_INDEX, bound, '-inf', 'LIMIT', '0', '1')[1]
    if not pointer then break end
    if pointer == last then
      push('LPUSH', ids)
      return
    end
    if put_behind(pointer, ids) then return end
    redis.call('ZREM', PRIORITY_INDEX, pointer)
  end
  push('RPUSH', reversed(ids))
end

local function set_last_of_priority(priority, id)
  redis.call('ZREMRANGEBYSCORE', PRIORITY_INDEX, priority, priority)
  redis.call('ZADD', PRIORITY_INDEX, priority, id)
end

-- Inserts new jobs of one priority, behind all jobs of that priority.
local function place_last(ids, priority)
  insert_behind(priority, ids)
  set_last_of_priority(priority, ids[#ids])
end

-- Inserts a job that goes back, in front of all jobs of its priority.
local function place_first(id, priority)
  insert_behind('(' .. priority, { id })
  local pointer = redis.call('ZRANGEBYSCORE', PRIORITY_INDEX, priority, priority)[1]
  if not pointer or not redis.call('LPOS', WAIT, pointer) then set_last_of_priority(priority, id) end
end
