-- needs: places
--
-- Takes jobs out of the dead-letter list, which may be long. Redis has no command that removes an entry by its position, and
-- walks from an end of the list to remove it by its value. So the entries of one call are marked, which reaches a position at
-- once, and removed by one walk from the nearer end.

-- Replaces an entry that is about to be removed from the list.
local TAKEN = 'taken out'

--: Entries at each end that are searched one by one, and on either side of where a job should be.
local NEAR_END, NEAR_PLACE = 1000, 100

--: What one call may cost before it leaves the other ids to the next: a job that is not beside another one costs 1, one that
--: is out of order, so that the whole list is searched, costs all.
local MOST_COST = 5

-- The position (from the left) where a job should be that failed at this time: newer ones are in front of it.
local function position_by_time(finished_at)
  local low, high = 0, redis.call('LLEN', DEAD)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local other = integer(field_of(redis.call('LINDEX', DEAD, middle), 'finishedAt'))
    if (other or 0) > finished_at then low = middle + 1 else high = middle end
  end
  return low
end

-- Adds the entries around a position to a table of positions by id.
local function note_entries(positions, middle)
  local first = math.max(0, middle - NEAR_PLACE)
  for index, entry in ipairs(redis.call('LRANGE', DEAD, first, middle + NEAR_PLACE)) do
    positions[entry] = first + index - 1
  end
end

-- Finds a job, and adds its position to the table. Returns what that cost.
local function find_dead(positions, id)
  local position = redis.call('LPOS', DEAD, id, 'RANK', -1, 'MAXLEN', NEAR_END)
    or redis.call('LPOS', DEAD, id, 'MAXLEN', NEAR_END)
  if position then
    note_entries(positions, position)
    return 1
  end
  local job = fields_of(id, 'state', 'finishedAt')
  -- A call that is repeated finds jobs that it has replayed.
  if redis.call('LLEN', DEAD) <= 2 * NEAR_END or job[1] and job[1] ~= 'failed' then return 1 end
  note_entries(positions, position_by_time(integer(job[2]) or 0))
  if positions[id] then return 1 end
  position = redis.call('LPOS', DEAD, id)
  if position then note_entries(positions, position) end
  return MOST_COST
end

-- Removes the entries at these positions, all of them in one half of the list if that is long.
local function remove_dead(places)
  for _, place in ipairs(places) do redis.call('LSET', DEAD, place, TAKEN) end
  local is_new = places[1] < redis.call('LLEN', DEAD) / 2
  redis.call('LREM', DEAD, is_new and #places or -#places, TAKEN)
end

-- Removes the jobs from the list that the arguments from the second on name. Returns their ids; those that were in the list,
-- as keys of a table; and how many ids it looked at, nil for all: in a long list, the others have to wait for the next call.
-- Of a job that was overwritten (its key has another type), the entry stays in the list and the key as it is.
local function take_dead()
  local ids = {}
  for index = 2, #ARGV do ids[#ids + 1] = ARGV[index] end
  local middle = redis.call('LLEN', DEAD) / 2
  local is_long = middle > NEAR_END
  local positions, taken, places, cost, handled = {}, {}, {}, 0, 0
  for _, id in ipairs(ids) do
    if not positions[id] then
      if cost >= MOST_COST then break end
      cost = cost + find_dead(positions, id)
    end
    local place = positions[id]
    -- One walk for entries of both halves would be a walk through the whole list.
    if place and is_long and places[1] and (place < middle) ~= (places[1] < middle) then break end
    if place and not taken[id] and not is_overwritten(id) then
      places[#places + 1] = place
      taken[id] = true
    end
    handled = handled + 1
  end
  if places[1] then
    redis.call('LTRIM', DEAD, '0', '-1') -- out of memory: as in claiming.lua. To delete jobs frees memory
    remove_dead(places)
  end
  return ids, taken, handled < #ids and handled or nil
end
