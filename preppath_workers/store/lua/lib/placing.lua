-- needs: rounds, positions

--: `wait` may exceed its length by this many jobs that were placed in front of others. Then its last ones move to LATER.
local SHED = 50

--: Without turns, a call moves SHED jobs to LATER for each 12 that it places, at most five times, or as many as it places.
local PLACED_FOR_A_SHED, SHEDS_AT_ONCE = 12, 5

--: The most ids in one command, which Lua's stack bounds.
local PORTION = 1000

-- Raises the error of a key of another type, as far as new jobs need it. Call it before the first change: half of a
-- transition would leave a job in no place, and a repeated call would take it for done.
local function check_order()
  redis.call('LLEN', WAIT)
  redis.call('ZCARD', LATER)
  redis.call('ZCARD', PRIORITY_INDEX)
  if user_field() then redis.call('ZCARD', TURNS) end
end

-- The same for a job that may go to any place. Checked once in a call, which may place many jobs.
local check_places
do
  local is_checked = false

  function check_places()
    if is_checked then return end
    is_checked = true
    check_order()
    for _, name in ipairs({ 'delayed', 'reservations' }) do redis.call('ZCARD', base .. name) end
    redis.call('LLEN', base .. 'dead')
    redis.call('HLEN', GATE)
  end
end

local push, insert_behind
do
  --: LINSERT searches from the left end, which is slow if the position is near the right end of a long list. Moving an entry
  --: aside and back costs about as much as passing this many, so near the right end entries are moved.
  local PASSED = 35

  -- Pushes the ids one by one at one end of the list.
  function push(command, list)
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

  -- Inserts ids in `wait`, which the caller has refilled: behind the last job whose priority and round are within the bound,
  -- a maximum for ZRANGEBYSCORE. Returns that job's score; nil if there is none and they are in front of all jobs.
  function insert_behind(bound, ids)
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
end

local function set_last(score, id)
  redis.call('ZREMRANGEBYSCORE', PRIORITY_INDEX, score, score)
  redis.call('ZADD', PRIORITY_INDEX, score, id)
end

-- Whether `wait` is too long by this many jobs: new ones may have to go into its middle, or be removed from there. A list
-- with raw pushes in its middle may stay long: they would have to wait for the jobs of LATER.
local function is_long(more)
  local length = redis.call('LLEN', WAIT) - more
  if length < LONG then return false end
  if user_field() then return true end
  if length < LONG_MIXED or length < LONG_EQUAL and redis.call('ZCARD', PRIORITY_INDEX) <= 1 then return false end
  return not redis.pcall('HGET', META, 'rawInside')
end

-- Whether new jobs of this priority and round belong into LATER: behind others that are there (`first`: the score of the
-- first), or at the end of a long list.
local function belongs_later(score, first)
  if first then return tonumber(score) >= first end
  if not is_long(0) then return false end
  local last = redis.call('ZREVRANGE', PRIORITY_INDEX, '0', '0', 'WITHSCORES')[2]
  return not last or tonumber(score) >= tonumber(last)
end

-- Moves the last jobs of `wait` to LATER if too many others were placed in front of them. Raw pushes, which may stand
-- behind them, get their places first. Returns whether it did.
local function shed()
  if not is_long(SHED) then return false end
  local ids = redis.call('LRANGE', WAIT, 0, SHED - 1)
  local scores = {}
  for index, id in ipairs(ids) do
    local job = fields_of(id, 'state', 'priority', 'turn')
    if job[1] ~= 'waiting' then return false end
    scores[index] = score_of(integer(job[2]) or DEFAULT_PRIORITY, (read_turn(job[3])))
  end
  local run = {} -- of equal scores, in the order in which they will run
  for index, id in ipairs(ids) do
    table.insert(run, 1, id)
    if scores[index] ~= scores[index + 1] then
      later.add_first(scores[index], run)
      run = {}
    end
  end
  redis.call('LTRIM', WAIT, SHED, -1)
  redis.call('ZREM', PRIORITY_INDEX, unpack(ids))
  local last = redis.call('LINDEX', WAIT, '0')
  set_last(score_of(priority_of(last), (turn_of(last))), last)
  return true
end

-- Places a new job behind all jobs of its priority and of its user's round. `first`: the first round of the priority.
-- Returns the first round with this job.
local function place_in_turn(id, priority, first)
  local user = user_of(redis.call('HGET', job_key(id), 'data') or '')
  local round, closed = next_round(priority, user, first)
  local score = score_of(priority, round)
  local is_later = belongs_later(score, later.first())
  if is_later then
    later.add(score, { id })
  else
    insert_behind(score, { id })
    set_last(score, id)
  end
  note_turn(id, priority, user, round, closed)
  if not is_later then shed() end
  return math.min(first or round, round)
end

-- Gives new jobs the last round of their priority, if there are rounds: users took turns before, and no longer do.
local function join_last_round(ids, score, priority)
  if tonumber(score) == tonumber(priority) then return end
  for _, id in ipairs(ids) do redis.call('HSET', job_key(id), 'turn', round_of(score)) end
end

-- Places new jobs of one priority behind all jobs of that priority. If users take turns, each goes behind those of its
-- user's round.
local function place_last(ids, priority)
  later.refill()
  if user_field() then
    local first = first_round(priority)
    for _, id in ipairs(ids) do first = place_in_turn(id, priority, first) end
    return
  end
  local first_later = later.first()
  local last = first_later and later.last(priority)
  if last or belongs_later(priority, first_later) then
    join_last_round(ids, last or priority, priority)
    later.add(last or priority, ids)
    return
  end
  local score = insert_behind('(' .. priority + 1, ids)
  if not score or tonumber(score) < tonumber(priority) then score = priority end
  join_last_round(ids, score, priority)
  set_last(score, ids[#ids])
  local sheds = math.min(math.ceil(#ids / PLACED_FOR_A_SHED), SHEDS_AT_ONCE)
  for _ = 1, math.max(sheds, math.ceil(#ids / SHED)) do
    if not shed() then return end
  end
end

-- Places a job that goes back, in front of all jobs of its priority.
local function place_first(id, priority)
  later.refill()
  -- If it was the last of its round, it isn't any more.
  if redis.call('HDEL', job_key(id), 'turn') == 1 then redis.call('ZREM', PRIORITY_INDEX, id) end
  local first = later.first()
  if first and first < tonumber(priority) then return later.add_first(priority, { id }) end
  insert_behind('(' .. priority, { id })
  local pointer = redis.call('ZRANGEBYSCORE', PRIORITY_INDEX, priority, priority)[1]
  local may_be_last = pointer and field_of(pointer, 'state') == 'waiting'
  local is_last = may_be_last and (redis.call('LINDEX', WAIT, '0') == pointer or position_of(pointer))
  if not is_last then set_last(priority, id) end
end
