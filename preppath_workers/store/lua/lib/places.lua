-- The places of jobs that are neither in `wait` nor in an active list.
local DELAYED, DEAD = base .. 'delayed', base .. 'dead'

--: Up to this many jobs that are due in the same millisecond keep their order, by the fractions of their scores. Scores are
--: precise enough for that until the year 2109.
local PER_MS = 2048

-- Delays a job until a time (ms since the epoch), behind the jobs that are due in the same millisecond.
local function delay_until(time, id)
  local due = math.floor(time)
  local last = redis.call('ZREVRANGEBYSCORE', DELAYED, '(' .. string.format('%.0f', due + 1),
    string.format('%.0f', due), 'WITHSCORES', 'LIMIT', '0', '1')
  local place = last[1] and last[1] ~= id and tonumber(last[2]) - due + 1 / PER_MS or 0
  redis.call('ZADD', DELAYED, due + math.min(place, 1 - 1 / PER_MS), id)
end
