-- needs: priority_index

--: LINSERT begins at the left end: 1.4 ms in a list of 100,000, where urgent jobs go in at the right end. To put
--: an entry aside and back costs as much as to pass so many. Both grow with the list, and the lesser is taken.
local PASSED = 35

--: Ids that one command takes. Lua's stack holds no more than 8,000.
local PORTION = 1000

local function reversed(list)
  local result = {}
  for index = #list, 1, -1 do result[#result + 1] = list[index] end
  return result
end

-- Adds to one end of the list; the last one ends outermost.
local function push(command, list)
  for first = 1, #list, PORTION do
    redis.call(command, WAIT, unpack(list, first, math.min(first + PORTION - 1, #list)))
  end
end

-- Puts ids, in the order they are to run, directly behind the job that is at this place (from the left). What
-- lies on the shorter side of it is put aside and back.
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

-- Puts ids directly behind this job. False if it is not in the list.
local function put_behind(pointer, ids)
  local near = math.ceil(redis.call('LLEN', WAIT) / PASSED)
  local position = redis.call('LPOS', WAIT, pointer, 'RANK', -1, 'MAXLEN', near)
  if not position and #ids == 1 then return redis.call('LINSERT', WAIT, 'BEFORE', pointer, ids[1]) > 0 end
  position = position or redis.call('LPOS', WAIT, pointer)
  if not position then return false end
  open_at(position, ids)
  return true
end

-- Puts ids behind the last job of the nearest lane within the bound (a ZRANGEBYSCORE maximum), or in front of
-- all. A pointer whose job has left the list is dropped: then all of its lane has left. From an empty list all
-- lanes have.
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

local function set_priority_pointer(priority, id)
  redis.call('ZREMRANGEBYSCORE', PRIORITY_INDEX, priority, priority)
  redis.call('ZADD', PRIORITY_INDEX, priority, id)
end

-- Jobs that are new to the list, all of one priority: behind everything of that priority.
local function place_last(ids, priority)
  insert_behind(priority, ids)
  set_priority_pointer(priority, ids[#ids])
end

-- A job that goes back: before everything of its own priority.
local function place_first(id, priority)
  insert_behind('(' .. priority, { id })
  local pointer = redis.call('ZRANGEBYSCORE', PRIORITY_INDEX, priority, priority)[1]
  if not pointer or not redis.call('LPOS', WAIT, pointer) then set_priority_pointer(priority, id) end
end
