-- needs: ingesting, batches
--
-- Ingests the raw pushes at the left end of `wait`.

--: The most raw pushes that get an id before a producer's jobs are placed, so that the producer doesn't wait for long.
local INGESTED_AT_ONCE = 100

--: One call stops reading raw pushes after this many bytes.
local MOST_BYTES = 1000000

--: Up to this many less urgent jobs are moved behind the raw pushes, instead of each raw push in front of them.
local MOVED = 1000

-- Replaces an entry that is about to be removed from the list.
local TAKEN_OUT = 'taken out by ingest_raw_pushes'

-- Whether an entry is the id of a waiting job, and the state of that job.
local function is_waiting(entry)
  local held = fields_of(entry, 'state', 'workerId')
  return held[1] and not is_stale_entry(held[1], held[2]), held[1]
end

-- The first position from the left, at `low` or after it, whose entry passes the test. All entries after it have to pass.
local function first_position(low, passes)
  local high = redis.call('LLEN', WAIT)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if passes(redis.call('LINDEX', WAIT, middle)) then high = middle else low = middle + 1 end
  end
  return low
end

-- Removes entries that are about to leave the list from the priority index. A raw push is there if it was the last job of
-- its priority. Returns whether one of them was.
local function drop_index_entries(entries)
  local dropped = 0
  for _, entry in ipairs(entries) do dropped = dropped + redis.call('ZREM', PRIORITY_INDEX, entry) end
  return dropped > 0
end

-- Makes the entry at this position (from the left) the last of its priority in the index, if it has the one of raw pushes.
local function index_last(position)
  local entry = redis.call('LINDEX', WAIT, position)
  if entry and priority_of(entry) == DEFAULT_PRIORITY then set_last(DEFAULT_PRIORITY, entry) end
end

-- Ingests entries in place, from this position (from the left) to the right: at most `most`, up to the first waiting job. The
-- leftmost becomes the last job of its priority in the index; the entries before it have that priority too, with or without
-- an id. Returns whether to call again, because it read as many as it may and none became a job here.
local function ingest_from(position, most)
  local entries, bytes = {}, 0
  while #entries < most and bytes < MOST_BYTES do
    local entry = redis.call('LINDEX', WAIT, position + #entries)
    if not entry or is_waiting(entry) then break end
    entries[#entries + 1] = entry
    bytes = bytes + #entry
  end
  local has_read_enough = #entries == most or bytes >= MOST_BYTES
  if has_read_enough then redis.pcall('HSET', META, 'rawInside', 1) end -- others may be behind them
  local last, taken, elsewhere = nil, 0, new_batch()
  local was_indexed = drop_index_entries(entries)
  for index = #entries, 1, -1 do -- the oldest first
    local _, state = is_waiting(entries[index])
    local id, priority
    if not state then id, priority = ingest(entries[index]) end
    local stays = id and priority == DEFAULT_PRIORITY
    redis.call('LSET', WAIT, position + index - 1, stays and id or TAKEN_OUT)
    if stays then last = id else taken = taken + 1 end
    if id and not stays then add_to(elsewhere, id, priority) end
  end
  if taken > 0 then redis.call('LREM', WAIT, taken, TAKEN_OUT) end
  if last then
    set_last(DEFAULT_PRIORITY, last)
  elseif was_indexed then
    index_last(position)
  end
  place_batch(elsewhere)
  return not last and has_read_enough
end

-- Ingests and places entries that have left the list, the last one first; false for one without a job.
local function place_ingested(entries)
  local batch = new_batch()
  for index = #entries, 1, -1 do
    local id, priority
    if entries[index] then id, priority = ingest(entries[index]) end
    if id then add_to(batch, id, priority) end
  end
  place_batch(batch)
end

-- Removes some raw pushes from the left end, and ingests and places each.
local function ingest_and_place(most)
  local entries, popped = {}, {}
  while #entries < most do
    local entry = redis.call('LINDEX', WAIT, '0')
    if not entry then break end
    local waits, state = is_waiting(entry)
    if waits then break end
    popped[#popped + 1] = redis.call('LPOP', WAIT)
    entries[#entries + 1] = not state and entry
  end
  if drop_index_entries(popped) then index_last(0) end
  place_ingested(entries)
end

-- Removes the entries between these positions.
local function cut(first, last)
  local behind = redis.call('LLEN', WAIT) - 1 - last
  if first == 0 then
    redis.call('LTRIM', WAIT, last + 1, -1)
  elseif behind < MOVED then
    local aside = redis.call('LRANGE', WAIT, last + 1, -1)
    redis.call('LTRIM', WAIT, 0, first - 1)
    push('RPUSH', aside)
  else
    local cut_out = last - first + 1
    for position = first, last do redis.call('LSET', WAIT, position, TAKEN_OUT) end
    redis.call('LREM', WAIT, first < behind and cut_out or -cut_out, TAKEN_OUT)
  end
end

-- Removes the oldest raw pushes, and ingests and places each. If users take turns, raw pushes can't stay where they are, and
-- the order of one user's jobs must not change. Returns whether to call again.
local function ingest_oldest(most)
  local past = first_position(0, is_waiting)
  local entries, ingested, bytes = {}, {}, 0
  while #entries < math.min(most, past) and bytes < MOST_BYTES do
    local entry = redis.call('LINDEX', WAIT, past - 1 - #entries)
    local waits, state = is_waiting(entry)
    if waits then break end -- a stale entry among waiting jobs has misled the search
    table.insert(entries, 1, entry)
    table.insert(ingested, 1, not state and entry)
    bytes = bytes + #entry
  end
  if drop_index_entries(entries) then index_last(past) end
  cut(past - #entries, past - 1)
  place_ingested(ingested)
  return #entries < past
end

-- Moves the jobs between these positions to the left end, behind the raw pushes there.
local function move_to_left_end(first, last)
  local jobs = redis.call('LRANGE', WAIT, first, last)
  cut(first, last)
  push('LPUSH', reversed(jobs))
end

-- Ingests the raw pushes at the left end before new jobs are placed; otherwise jobs placed in front of them again and again
-- would starve them. All get the place that their priority requires, but only some get an id now: a claim gives the others
-- theirs. Removes stale entries, as a claim would. Returns whether to call again.
local function ingest_raw_pushes(limit)
  local most = limit or INGESTED_AT_ONCE
  local leftmost = redis.call('LINDEX', WAIT, '0')
  if not leftmost or is_waiting(leftmost) then return false end
  check_places()
  local has_later = redis.call('EXISTS', LATER) == 1
  local first, after = '(' .. DEFAULT_PRIORITY, '(' .. DEFAULT_PRIORITY + 1
  if user_field() or has_later or redis.call('ZCOUNT', PRIORITY_INDEX, first, after) > 0 then
    return ingest_oldest(most)
  end
  local lowest = redis.call('ZREVRANGE', PRIORITY_INDEX, 0, 0, 'WITHSCORES')[2]
  if not lowest or tonumber(lowest) <= DEFAULT_PRIORITY then return ingest_from(0, most) end
  -- Less urgent jobs may be in front of them.
  local following = redis.call('LINDEX', WAIT, most)
  if not following or is_waiting(following) then
    ingest_and_place(most)
    return false
  end
  local first = first_position(0, is_waiting)
  local last = first_position(first, function(entry) return priority_of(entry) <= DEFAULT_PRIORITY end) - 1
  local between = last - first + 1
  if between > MOVED then
    ingest_and_place(most)
    return true
  end
  if between > 0 then move_to_left_end(first, last) end
  return ingest_from(between, most)
end
