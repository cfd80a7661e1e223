-- needs: rounds, positions

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

-- Whether an entry of the index may still be in the list. If the last job of a round has started, searching a long list
-- for it, once for each round, would block the server.
local function may_wait(pointer, score)
  return not string.find(score, '.', 1, true) or waits_in_round(pointer, score)
end

-- Removes an entry of the index whose job has left the list, and with it the entries of all earlier rounds that are over.
local function forget(pointer, score)
  redis.call('ZREM', PRIORITY_INDEX, pointer)
  local priority = string.match(score, '^(%d+)%.')
  if priority then first_round(priority) end
end

-- Inserts ids behind the last job whose priority and round are within the bound (a ZRANGEBYSCORE maximum), or in front of
-- all jobs. Returns the score of the job that they are behind.
local function insert_behind(bound, ids)
  local last = redis.call('LINDEX', WAIT, '0')
  if not last then redis.call('DEL', PRIORITY_INDEX, TURNS) end
  while last do
    local found = redis.call('ZREVRANGEBYSCORE', PRIORITY_INDEX, bound, '-inf', 'WITHSCORES', 'LIMIT', '0', '1')
    local pointer, score = found[1], found[2]
    if not pointer then break end
    if pointer == last then
      push('LPUSH', ids)
      return score
    end
    if may_wait(pointer, score) and put_behind(pointer, ids) then return score end
    forget(pointer, score)
  end
  push('RPUSH', reversed(ids))
end

local function set_last(score, id)
  redis.call('ZREMRANGEBYSCORE', PRIORITY_INDEX, score, score)
  redis.call('ZADD', PRIORITY_INDEX, score, id)
end

-- Inserts a new job behind all jobs of its priority and of its user's round.
local function place_in_turn(id, priority)
  local user = user_of(redis.call('HGET', job_key(id), 'data') or '')
  local round, closed = next_round(priority, user)
  local score = score_of(priority, round)
  insert_behind(score, { id })
  set_last(score, id)
  note_turn(id, priority, user, round, closed)
end

-- Inserts new jobs of one priority, behind all jobs of that priority, or each behind those of its user's round.
local function place_last(ids, priority)
  if user_field() then
    for _, id in ipairs(ids) do place_in_turn(id, priority) end
    return
  end
  local score = insert_behind('(' .. priority + 1, ids)
  -- Jobs may still have rounds, of the time when users took turns: these are in the last one.
  if score and tonumber(score) > tonumber(priority) then
    for _, id in ipairs(ids) do redis.call('HSET', job_key(id), 'turn', round_of(score)) end
  else
    score = priority
  end
  set_last(score, ids[#ids])
end

-- Inserts a job that goes back, in front of all jobs of its priority.
local function place_first(id, priority)
  -- If it was the last of its round, it isn't any more.
  if redis.call('HDEL', job_key(id), 'turn') == 1 then redis.call('ZREM', PRIORITY_INDEX, id) end
  insert_behind('(' .. priority, { id })
  local pointer = redis.call('ZRANGEBYSCORE', PRIORITY_INDEX, priority, priority)[1]
  local may_be_last = pointer and redis.call('HGET', job_key(pointer), 'state') == 'waiting'
  if not may_be_last or not position_of(pointer) then set_last(priority, id) end
end
