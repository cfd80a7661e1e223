-- needs: keys
--
-- Included in every script, see keys.lua: more of the most used keys, and the counters. The rest is in other files.

local LATER, STATS = base .. 'later', base .. 'stats'

local function job_key(id) return base .. 'job:' .. id end
local function active_key(worker_id) return base .. 'active:' .. worker_id end

-- The current time as a number (ms).
local now = tonumber(timestamp)

-- Fields of a job's hash. None if something has overwritten the job, so that its key has another type: that must not stop
-- what is done with other jobs. Then the result has `err`.
local function fields_of(id, ...)
  local values = redis.pcall('HMGET', job_key(id), ...)
  if not values.err or string.find(values.err, 'WRONGTYPE', 1, true) then return values end
  return redis.call('HMGET', job_key(id), ...) -- raises the error
end

local function field_of(id, name) return fields_of(id, name)[1] end

local function is_overwritten(id)
  return fields_of(id, 'state').err ~= nil
end

-- Increments a counter. A key or field of another type must not stop a transition half-way.
local function count(name, times)
  redis.pcall('HINCRBY', STATS, name, times or '1')
end

-- The whole number in a field; nil if it isn't one. A hash that was edited by hand may hold anything, also "nan" and
-- "inf", which Lua reads as numbers.
local function integer(text)
  local number = tonumber(text)
  if number and number > -2 ^ 53 and number < 2 ^ 53 then return math.floor(number) end
  return nil
end
