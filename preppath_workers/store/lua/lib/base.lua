-- needs: keys
--
-- Included in every script, see keys.lua: more of the most used keys, and the counters. The rest is in other files.

local LATER, STATS = base .. 'later', base .. 'stats'

local function job_key(id) return base .. 'job:' .. id end
local function active_key(worker_id) return base .. 'active:' .. worker_id end

-- The current time as a number (ms).
local now = tonumber(timestamp)

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
