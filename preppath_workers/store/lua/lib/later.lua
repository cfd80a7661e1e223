-- needs: priority_index, layout
--
-- If users take turns or priorities differ, a new job goes into the middle of the waiting ones; a job that is cancelled may
-- stand there. Redis reaches the middle of a list entry by entry. So if many jobs wait, `wait` has only the first ones. The
-- others are in LATER, a sorted set, in which a place is found quickly. All of them start after those in `wait`, which is
-- refilled when it is empty.
--
-- The score is that of the priority index: priority and round. The member "<number> <id>" keeps the order among equals;
-- the job's field `later` has its number.

--: A new last job goes to LATER if `wait` has this many, and `wait` is refilled with this many.
local LONG = 200
--: The same if users don't take turns, but jobs of different priorities wait: most of them go to an end of `wait`.
local LONG_MIXED = 5000
--: The same if all of them have one priority: they go to an end of `wait`, and only removing one reaches its middle.
local LONG_EQUAL = 50000

local function reversed(list)
  local result = {}
  for index = #list, 1, -1 do result[#result + 1] = list[index] end
  return result
end

local later = {}
do
  --: The number of the first job of a priority and round: others may come behind it and in front of it.
  local MIDDLE = 500000000000

  --: The most scores and members in one command, which Lua's stack bounds.
  local MOST_MEMBERS = 1000

  local function number_and_id(member) return string.match(member, '^(%d+) (.*)$') end

  -- Appends the ids of members to a list of ids.
  local function append_ids(ids, members)
    for _, member in ipairs(members) do
      local _, id = number_and_id(member)
      ids[#ids + 1] = id
    end
    return ids
  end

  -- Appends entries at the left end of `wait` to a list of at most `most`.
  local function append_last(ids, most)
    if #ids == most then return ids end
    for _, entry in ipairs(redis.call('LRANGE', WAIT, 0, most - #ids - 1)) do ids[#ids + 1] = entry end
    return ids
  end

  -- At most this many waiting entries from the first on.
  function later.first_waiting(most)
    local entries = reversed(redis.call('LRANGE', WAIT, -most, -1))
    if #entries == most then return entries end
    return append_ids(entries, redis.call('ZRANGE', LATER, 0, most - #entries - 1))
  end

  -- At most this many waiting entries from the last on, backwards.
  function later.last_waiting(most)
    return append_last(append_ids({}, redis.call('ZREVRANGE', LATER, 0, most - 1)), most)
  end

  -- The score of the first job in LATER; nil if it is empty.
  function later.first()
    return tonumber(redis.call('ZRANGE', LATER, '0', '0', 'WITHSCORES')[2])
  end

  -- The score of the last job of a priority in LATER; nil if it has none.
  function later.last(priority)
    return redis.call('ZREVRANGEBYSCORE', LATER, '(' .. priority + 1, priority, 'WITHSCORES', 'LIMIT', '0', '1')[2]
  end

  -- The score of the first job of a priority that has a round; nil if LATER has none.
  function later.first_turn(priority)
    return redis.call('ZRANGEBYSCORE', LATER, '(' .. priority, '(' .. priority + 1, 'WITHSCORES', 'LIMIT', '0', '1')[2]
  end

  -- A release that knows only the first layout would not find the jobs of LATER.
  local function prepare()
    if redis.call('EXISTS', LATER) == 0 then raise_layout() end
  end

  -- Adds jobs with these consecutive numbers.
  local function store(score, number, ids)
    local members = {}
    for index, id in ipairs(ids) do
      local text = string.format('%012.0f', number + index - 1)
      redis.call('HSET', job_key(id), 'later', text)
      members[#members + 1] = score
      members[#members + 1] = text .. ' ' .. id
      if #members >= MOST_MEMBERS or index == #ids then
        redis.call('ZADD', LATER, unpack(members))
        members = {}
      end
    end
  end

  -- Adds jobs behind all of their score.
  function later.add(score, ids)
    local last = redis.call('ZREVRANGEBYSCORE', LATER, score, score, 'LIMIT', '0', '1')[1]
    if not last then prepare() end
    store(score, last and tonumber((number_and_id(last))) + 1 or MIDDLE, ids)
  end

  -- Adds jobs, in the order in which they will run, in front of all of their score.
  function later.add_first(score, ids)
    local first = redis.call('ZRANGEBYSCORE', LATER, score, score, 'LIMIT', '0', '1')[1]
    if not first then prepare() end
    store(score, (first and tonumber((number_and_id(first))) or MIDDLE) - #ids, ids)
  end

  -- The member of a job in LATER; nil if the job isn't there.
  function later.find(id)
    local number = field_of(id, 'later')
    local member = number and number .. ' ' .. id
    if member and redis.call('ZSCORE', LATER, member) then return member end
  end

  -- How many jobs of LATER start before this one; nil if it isn't there.
  function later.rank(id)
    local member = later.find(id)
    return member and redis.call('ZRANK', LATER, member)
  end

  -- At most this many waiting entries that start before a job in LATER, from the nearest on, backwards.
  function later.ahead_of(id, most)
    local rank = later.rank(id)
    local members = rank > 0 and redis.call('ZRANGE', LATER, math.max(0, rank - most), rank - 1) or {}
    return append_last(append_ids({}, reversed(members)), most)
  end

  -- Moves the first jobs of LATER to `wait` if that is empty. Returns whether there were any.
  function later.refill()
    if redis.call('EXISTS', WAIT) == 1 then return false end
    local found = redis.call('ZRANGE', LATER, 0, LONG - 1, 'WITHSCORES')
    if not found[1] then return false end
    redis.call('ZREMRANGEBYRANK', LATER, 0, #found / 2 - 1)
    local ids, lasts = {}, {}
    for index = 1, #found, 2 do
      local _, id = number_and_id(found[index])
      ids[#ids + 1] = id
      if found[index + 1] ~= found[index + 3] then
        lasts[#lasts + 1] = found[index + 1]
        lasts[#lasts + 1] = id
      end
    end
    redis.call('DEL', PRIORITY_INDEX)
    redis.call('LPUSH', WAIT, unpack(ids))
    redis.call('ZADD', PRIORITY_INDEX, unpack(lasts))
    return true
  end
end
