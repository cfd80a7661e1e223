-- What every script starts with: the queue's keys, its clock, and how to count. What some scripts do without is in
-- other files: a key or a function costs each call that makes it a thousand instructions.
--
-- KEYS[1]  the queue's base, such as "preppath:{tts}:". Every other key is made from it: the hash tag keeps
--          them all in one slot of a Redis Cluster, so naming this one routes the script correctly.
-- ARGV[1]  now, ms since the epoch; "" for the server's clock. Only tests and the simulation fill it.

local base = KEYS[1]
local WAIT, GATE, STATS = base .. 'wait', base .. 'gate', base .. 'stats'

local function job_key(id) return base .. 'job:' .. id end
local function active_key(worker_id) return base .. 'active:' .. worker_id end

-- Now as it is stored. The server tells seconds, and up to six digits of microseconds. A number is printed anew for
-- each command that gets it, which costs as much as to look whether a key exists: where all jobs come by, commands get
-- text, constants too.
local timestamp = ARGV[1]
if timestamp == '' then
  local time = redis.call('TIME')
  timestamp = time[1] .. string.sub('00000' .. time[2], -6, -4)
end

-- Now to compare and to reckon with.
local now = tonumber(timestamp)

-- A counter is no reason to stop half-way: what was put in its place by hand stays as it is.
local function count(name, times)
  redis.pcall('HINCRBY', STATS, name, times or '1')
end

-- A hash that was edited by hand may hold anything. What is no number counts as missing and a fraction is cut
-- off, so that no transition can get stuck on it: Lua reads "nan" and "inf" too, and no comparison bears those.
local function integer(text)
  local number = tonumber(text)
  if number and number > -2 ^ 53 and number < 2 ^ 53 then return math.floor(number) end
  return nil
end
