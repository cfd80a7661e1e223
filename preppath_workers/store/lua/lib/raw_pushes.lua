-- needs: jobs, placing, dead_letters, strict_json

--: Bytes of JSON that one job's data may have, as for producers (MAX_DATA_BYTES in preppath_workers/queue.py). What is larger is
--: not even read: to decode 5 MB takes the server a tenth of a second in which it does nothing else.
local MAX_DATA_BYTES = 1000000

-- Gives an entry that some client pushed by itself an id and a job hash. A JSON object becomes a waiting job
-- and its id is returned; anything else goes to the dead-letter list as it is, and nil is returned. So is the id
-- of a job, but for one whose state somebody deleted: that one waits.
local serial = 0
local function ingest(entry)
  if redis.call('EXISTS', job_key(entry)) == 1 then
    redis.call('HSET', job_key(entry), 'state', 'waiting', 'priority', DEFAULT_PRIORITY)
    return entry
  end
  local id
  repeat
    serial = serial + 1
    id = string.format('raw-%.0f-%d', now, serial)
  until redis.call('EXISTS', job_key(id)) == 0
  redis.call('HSET', job_key(id), 'data', entry, 'priority', DEFAULT_PRIORITY, 'state', 'waiting', 'createdAt', now)
  count('enqueued')
  if #entry > MAX_DATA_BYTES then
    add_dead_letter(id, 'invalid', cjson.encode({
      class = 'InvalidJob',
      message = string.format('data has %d bytes of JSON; at most %d are allowed', #entry, MAX_DATA_BYTES),
    }))
    return nil
  end
  local problem = json_problem(entry)
  if not problem then return id end
  add_dead_letter(id, 'malformed', cjson.encode({
    class = 'MalformedEntry',
    message = 'this entry was neither the id of a job nor a JSON object' .. problem,
  }))
  return nil
end

--: Raw pushes that get an id before a producer's jobs are placed: few, so that the producer does not wait long.
local ADOPTED = 100

--: Bytes of raw pushes that one call reads, but for the last one.
local MOST_BYTES = 1000000

--: Less urgent jobs that are moved past the raw pushes that came after them, rather than each raw push past them.
local MOVED = 1000

-- Stands in the list for an entry that is about to be taken out.
local TAKEN_OUT = 'taken out by ingest_raw_pushes'

-- Whether an entry is a job that waits, and its state if it has one. A pushed id of a job that is accounted for
-- elsewhere is no such job.
local function is_waiting(entry)
  local held = redis.call('HMGET', job_key(entry), 'state', 'workerId')
  return held[1] and not is_elsewhere(held[1], held[2]), held[1]
end

-- The first place from the left, at `low` or after it, whose entry passes the test; all that follow do.
local function first_place(low, passes)
  local high = redis.call('LLEN', WAIT)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if passes(redis.call('LINDEX', WAIT, middle)) then high = middle else low = middle + 1 end
  end
  return low
end

-- A raw push is the last of its lane, and the lane's pointer, when those behind it have left. Takes that from entries
-- that are about to leave the list. Returns whether one of them had it.
local function drop_pointers(entries)
  local dropped = 0
  for _, entry in ipairs(entries) do dropped = dropped + redis.call('ZREM', PRIORITY_INDEX, entry) end
  return dropped > 0
end

-- Makes the entry at this place (from the left) the pointer of the lane of raw pushes, if it is in that lane.
local function point_at(place)
  local entry = redis.call('LINDEX', WAIT, place)
  if entry and priority_of(entry) == DEFAULT_PRIORITY then set_priority_pointer(DEFAULT_PRIORITY, entry) end
end

-- Gives entries their ids where they are, from this place (from the left) on to the right: `most` of them at most, until
-- a waiting job comes. The leftmost becomes the pointer of its lane, and those behind it belong to that too, whether
-- they have an id yet or not. Returns whether it has to be called again, for all that it read were no jobs.
local function adopt_from(place, most)
  local entries, bytes = {}, 0
  while #entries < most and bytes < MOST_BYTES do
    local entry = redis.call('LINDEX', WAIT, place + #entries)
    if not entry or is_waiting(entry) then break end
    entries[#entries + 1] = entry
    bytes = bytes + #entry
  end
  local pointer, taken = nil, 0
  local was_pointer = drop_pointers(entries)
  for index = #entries, 1, -1 do -- the oldest first
    local _, state = is_waiting(entries[index])
    local id = not state and ingest(entries[index])
    redis.call('LSET', WAIT, place + index - 1, id or TAKEN_OUT)
    if id then pointer = id else taken = taken + 1 end
  end
  if taken > 0 then redis.call('LREM', WAIT, taken, TAKEN_OUT) end
  if pointer then
    set_priority_pointer(DEFAULT_PRIORITY, pointer)
  elseif was_pointer then
    point_at(place)
  end
  return not pointer and (#entries == most or bytes >= MOST_BYTES)
end

-- Takes some raw pushes off the left end and gives each its place.
local function adopt_and_place(most)
  local ids, entries, popped = {}, {}, {}
  while #entries < most do
    local entry = redis.call('LINDEX', WAIT, '0')
    if not entry then break end
    local waits, state = is_waiting(entry)
    if waits then break end
    popped[#popped + 1] = redis.call('LPOP', WAIT)
    entries[#entries + 1] = not state and entry
  end
  if drop_pointers(popped) then point_at(0) end
  for index = #entries, 1, -1 do ids[#ids + 1] = entries[index] and ingest(entries[index]) or nil end
  if #ids > 0 then place_last(ids, DEFAULT_PRIORITY) end
end

-- Moves the jobs between these places to the left end, past the raw pushes that lie there.
local function move_to_left_end(first, last)
  local jobs = redis.call('LRANGE', WAIT, first, last)
  local behind = redis.call('LLEN', WAIT) - 1 - last
  if behind < MOVED then
    local aside = redis.call('LRANGE', WAIT, last + 1, -1)
    redis.call('LTRIM', WAIT, 0, first - 1)
    push('RPUSH', aside)
  else
    for place = first, last do redis.call('LSET', WAIT, place, TAKEN_OUT) end
    redis.call('LREM', WAIT, first < behind and #jobs or -#jobs, TAKEN_OUT)
  end
  push('LPUSH', reversed(jobs))
end

-- Raw pushes lie at the left end, beyond every lane. Placing others before them again and again would starve them, so
-- whoever places a job first makes them members of their lane: all of them, though only some get their ids now and the
-- claim gives the others theirs. A pushed id of a job that is accounted for elsewhere is dropped, as the claim would
-- do: it would shield the raw pushes behind it. Returns whether there may be more to do.
local function ingest_raw_pushes(limit)
  local most = limit or ADOPTED
  local left = redis.call('LINDEX', WAIT, '0')
  if not left or is_waiting(left) then return false end
  local lane = redis.call('ZREVRANGE', PRIORITY_INDEX, 0, 0, 'WITHSCORES')[2]
  if not lane or tonumber(lane) <= DEFAULT_PRIORITY then return adopt_from(0, most) end
  -- Less urgent jobs may lie before them.
  local following = redis.call('LINDEX', WAIT, most)
  if not following or is_waiting(following) then
    adopt_and_place(most)
    return false
  end
  local first = first_place(0, is_waiting)
  local last = first_place(first, function(entry) return priority_of(entry) <= DEFAULT_PRIORITY end) - 1
  local between = last - first + 1
  if between > MOVED then
    adopt_and_place(most)
    return true
  end
  if between > 0 then move_to_left_end(first, last) end
  return adopt_from(between, most)
end
