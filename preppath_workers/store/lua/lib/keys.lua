-- What every script begins with: the keys of the fast paths, and the clock. Nearly all scripts include it by way of
-- base.lua. Those with a fast path do so only behind it, because each definition costs time in every call that reaches it.
--
-- KEYS[1]  the queue's base, such as "preppath:{tts}:". All other keys begin with it: the hash tag puts them into the same
--          slot of a Redis Cluster, so this key routes the script.
-- ARGV[1]  now, ms since the epoch; "" for the server's clock. Only tests and the simulation set it.

local base = KEYS[1] or ''
local WAIT, GATE = base .. 'wait', base .. 'gate'

-- The current time as text (ms). Redis formats a number argument again for each command, so the fast paths pass text,
-- also for constants. TIME returns seconds, and microseconds without leading zeros.
local timestamp = ARGV[1]
if timestamp == '' then
  local time = redis.call('TIME')
  local microseconds = time[2]
  if #microseconds < 6 then microseconds = string.sub('00000' .. microseconds, -6) end
  timestamp = time[1] .. string.sub(microseconds, 1, 3)
end
