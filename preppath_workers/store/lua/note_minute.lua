-- needs: completed_attempts, history
--
-- Stores the queue's figures, if they have not been stored yet in this minute. Every janitor calls it once a minute.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  how many minutes are kept
--
-- Returns {1} if they were stored, else {0}. See history.py for what reads them.

local minute = math.floor(now / 60000)
local newest = redis.call('LINDEX', HISTORY, 0)
-- A minute in the future was stored before the clock was set back.
if newest and integer(string.match(newest, '"minute":(%d+)')) == minute then return {0} end

-- The counters since the beginning, so that a missed minute loses nothing.
local stats = redis.call('HMGET', STATS, 'failed', 'retried')
local waits, runs, completed = completed_attempts()
local figures = {
  minute = minute,
  waiting = redis.call('LLEN', WAIT) + redis.call('ZCARD', LATER),
  completed = completed,
  failed = integer(stats[1]) or 0,
  retried = integer(stats[2]) or 0,
}
-- An empty table would be written as a list.
if next(waits) then figures.wait, figures.run = waits, runs end
redis.call('LPUSH', HISTORY, cjson.encode(figures))
redis.call('LTRIM', HISTORY, 0, tonumber(ARGV[2]) - 1)
return {1}
