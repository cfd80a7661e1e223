-- What every transition starts with: the queue's keys, its clock, and the few moves they share.
--
-- KEYS[1]  the queue's base, such as "preppath:{tts}:". Every other key is made from it: the hash tag keeps
--          them all in one slot of a Redis Cluster, so naming this one routes the script correctly.
-- ARGV[1]  now, ms since the epoch; "" for the server's clock. Only tests and the simulation fill it.

local base = KEYS[1]
local WAIT, LANES, DELAYED = base .. 'wait', base .. 'lanes', base .. 'delayed'
local DEAD, COMPLETED = base .. 'dead', base .. 'completed'
local TOKENS, RESERVED = base .. 'tokens', base .. 'reserved'
local INSTANCES, META, STATS = base .. 'instances', base .. 'meta', base .. 'stats'

local DEFAULT_PRIORITY = 50

local function job_key(id) return base .. 'job:' .. id end
local function active_key(owner) return base .. 'active:' .. owner end
local function instance_key(instance) return base .. 'instance:' .. instance end

local function server_time()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local now = tonumber(ARGV[1]) or server_time()

local function count(name, times)
  redis.call('HINCRBY', STATS, name, times or 1)
end

-- A hash that was edited by hand may hold anything. What is no number counts as missing and a fraction is cut
-- off, so that no transition can get stuck on it: Lua reads "nan" and "inf" too, and no comparison bears those.
local function integer(text)
  local number = tonumber(text)
  if number and number > -2 ^ 53 and number < 2 ^ 53 then return math.floor(number) end
  return nil
end

local function priority_of(id)
  return integer(redis.call('HGET', job_key(id), 'priority')) or DEFAULT_PRIORITY
end

local function add(id, field, amount)
  local value = (integer(redis.call('HGET', job_key(id), field)) or 0) + amount
  redis.call('HSET', job_key(id), field, value)
  return value
end

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

-- Takes a waiting job out of the list; its lane's pointer moves to the neighbour ahead. False if not there.
local function withdraw(id)
  local position = redis.call('LPOS', WAIT, id)
  if not position then return false end
  local priority = redis.call('ZSCORE', LANES, id)
  if priority then
    redis.call('ZREM', LANES, id)
    local ahead = redis.call('LINDEX', WAIT, position + 1)
    if ahead and priority_of(ahead) == tonumber(priority) then redis.call('ZADD', LANES, priority, ahead) end
  end
  redis.call('LREM', WAIT, 1, id)
  return true
end

-- To the dead-letter list, for good unless it is replayed.
local function bury(id, reason, failure)
  redis.call('HSET', job_key(id), 'state', 'failed', 'reason', reason, 'error', failure, 'finishedAt', now)
  redis.call('LPUSH', DEAD, id)
  count('failed')
end

-- Gives an entry that some client pushed by itself an id and a job hash. A JSON object becomes a waiting job
-- and its id is returned; anything else goes to the dead-letter list as it is, and nil is returned.
local function admit(entry)
  local id, serial = nil, 0
  repeat
    serial = serial + 1
    id = string.format('raw-%.0f-%d', now, serial)
  until redis.call('EXISTS', job_key(id)) == 0
  redis.call('HSET', job_key(id), 'data', entry, 'priority', DEFAULT_PRIORITY, 'state', 'waiting', 'createdAt', now)
  count('enqueued')
  if string.find(entry, '^%s*{') and pcall(cjson.decode, entry) then return id end
  bury(id, 'malformed', cjson.encode({
    class = 'MalformedEntry',
    message = 'this entry was neither the id of a job nor a JSON object',
  }))
  return nil
end

-- Raw pushes lie at the left end, beyond every lane. Placing others before them again and again would starve
-- them, so whoever places a job first gives them their places. Each raw push is moved once. A pushed id of a job
-- that is accounted for elsewhere is dropped, as the claim would do: it would shield the raw pushes behind it.
local function adopt_raw_pushes()
  local entries = {}
  while true do
    local entry = redis.call('LINDEX', WAIT, 0)
    local state = entry and redis.call('HGET', job_key(entry), 'state')
    if not entry or state == 'waiting' then break end
    redis.call('LPOP', WAIT)
    if not state then entries[#entries + 1] = entry end
  end
  for index = #entries, 1, -1 do
    local id = admit(entries[index])
    if id then place_last(id, DEFAULT_PRIORITY) end
  end
end

-- A job as scripts return it: fields and values of its hash, and its id.
local function whole(id)
  local fields = redis.call('HGETALL', job_key(id))
  fields[#fields + 1] = 'id'
  fields[#fields + 1] = id
  return fields
end

-- The job's state if this owner and fencing number were the last to start it, else nil: then another one
-- owns it, and the caller may change nothing.
local function state_if_ours(id, owner, fence)
  local held = redis.call('HMGET', job_key(id), 'state', 'owner', 'fence')
  if held[2] == owner and held[3] == fence then return held[1] end
  return nil
end

-- A started job goes back to the front of its lane and the start does not count.
local function give_back_uncounted(id)
  redis.call('HSET', job_key(id), 'state', 'waiting', 'queuedAt', now)
  add(id, 'attempts', -1)
  add(id, 'releases', 1)
  place_first(id, priority_of(id))
  count('released')
end

-- A started job whose worker died goes back to the front of its lane, but only so often: it may be the job
-- that kills its workers. True if it has gone to the dead-letter list instead.
local function give_back_recovered(id, owner, limit)
  if add(id, 'recoveries', 1) > limit then
    bury(id, 'worker-died', cjson.encode({
      class = 'WorkerDied',
      message = 'its worker died under it ' .. (limit + 1) .. ' times, the last one was ' .. owner,
    }))
    return true
  end
  redis.call('HSET', job_key(id), 'state', 'waiting', 'queuedAt', now)
  place_first(id, priority_of(id))
  count('recovered')
  return false
end

-- Empties the active list of a slot that nobody works any more and gives back the token it reserved. Returns
-- how many jobs went back to the queue; those that went to the dead-letter list are added to `buried`, whole.
-- Newest first, so that the oldest ends in front.
local function clear_slot(owner, counted, limit, buried)
  local moved = 0
  while true do
    local id = redis.call('LPOP', active_key(owner))
    if not id then break end
    local held = redis.call('HMGET', job_key(id), 'state', 'owner')
    moved = moved + 1
    if not held[1] then
      redis.call('RPUSH', WAIT, id) -- a raw push or a stray id: the next claim decides
    elseif held[1] == 'waiting' then
      place_first(id, priority_of(id))
    elseif held[1] == 'active' and held[2] == owner then
      if not counted then
        give_back_uncounted(id)
      elseif give_back_recovered(id, owner, limit) then
        buried[#buried + 1] = whole(id)
        moved = moved - 1
      end
    else
      moved = moved - 1 -- a second entry of a job that is accounted for elsewhere
    end
  end
  redis.call('ZREM', RESERVED, owner)
  return moved
end

-- Empties all of an instance's slots and forgets it; as above.
local function retire(instance, counted, limit, buried)
  local moved = 0
  local slots = integer(redis.call('HGET', instance_key(instance), 'slots')) or 0
  for slot = 0, slots - 1 do
    moved = moved + clear_slot(instance .. ':' .. slot, counted, limit, buried)
  end
  redis.call('DEL', instance_key(instance))
  redis.call('ZREM', INSTANCES, instance)
  return moved
end
