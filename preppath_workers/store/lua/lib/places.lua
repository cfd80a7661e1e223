-- Where jobs are that neither wait in line nor run.
local DELAYED, DEAD = base .. 'delayed', base .. 'dead'

--: Jobs of one millisecond that keep the order in which they came: the fraction of a score tells it. As fine as a
--: score's precision is until the year 2109.
local PER_MS = 2048

-- Delays a job until a moment (ms since the epoch), behind those that are due in the same millisecond.
local function delay_until(moment, id)
  local due = math.floor(moment)
  local last = redis.call('ZREVRANGEBYSCORE', DELAYED, '(' .. string.format('%.0f', due + 1),
    string.format('%.0f', due), 'WITHSCORES', 'LIMIT', '0', '1')
  local place = last[1] and last[1] ~= id and tonumber(last[2]) - due + 1 / PER_MS or 0
  redis.call('ZADD', DELAYED, due + math.min(place, 1 - 1 / PER_MS), id)
end
