-- Included in every script: the most used keys, the clock and the counters. The rest is in other files, since each
-- definition costs time in every call of a script that includes it.
--
-- KEYS[1]  the queue's base, such as "preppath:{tts}:". All other keys begin with it: the hash tag puts them into the same
--          slot of a Redis Cluster, so this key routes the script.
-- ARGV[1]  now, ms since the epoch; "" for the server's clock. Only tests and the simulation set it.

local base = KEYS[1]
local WAIT, LATER, GATE, STATS = base .. 'wait', base .. 'later', base .. 'gate', base .. 'stats'

local function job_key(id) return base .. 'job:' .. id end
local function active_key(worker_id) return base .. 'active:' .. worker_id end

-- The current time as text (ms). Redis formats a number argument again for each command, so the fast paths pass text,
-- also for constants. TIME returns seconds, and microseconds without leading zeros.
local timestamp = ARGV[1]
if timestamp == '' then
  local time = redis.call('TIME')
  timestamp = time[1] .. string.sub('00000' .. time[2], -6, -4)
end

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
