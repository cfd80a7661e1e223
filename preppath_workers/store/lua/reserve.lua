-- needs: budget, calendar
--
-- Reserves the most that a paid request can cost, in every scope that it counts for or in none.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  the call's id
-- ARGV[3]  the most that it can cost (nano-dollars)
-- ARGV[4]  its queue
-- ARGV[5]  its job
-- ARGV[6]  the job's fencing token
-- ARGV[7…] five for each scope: its name, the hard and soft cap of the day, those of the month (nano-dollars; "" for none)
--
-- Returns one of:
--   {"ok", ms, "day all", …}     it is reserved, since that time; then the soft caps that are reached for the first time
--   {"wait"}                     other reservations are in the way, and may be settled for less
--   {"over", scope, period, ms}  what is spent leaves too little room until the period ends, after that time
--   {"never", scope, period}     it is more than the cap itself, which isn't 0: that one stops spending until it is raised

local id, worst = ARGV[2], tonumber(ARGV[3])
local stored = redis.call('HGET', RESERVED, id)
if stored then
  local made = cjson.decode(stored)
  return {'ok', made.at, unpack(made.reached or {})}
end

local day = date_of(now)
local periods = { { 'day', day, 0 }, { 'month', string.sub(day, 1, 7), 2 } }
local day_left, month_left = ms_left(now)
local record = { queue = ARGV[4], job = ARGV[5], token = ARGV[6], worst = ARGV[3], day = day, at = now, scopes = {} }
local over, must_wait, soft = nil, false, {}
for index = 7, #ARGV, 5 do
  local scope = ARGV[index]
  record.scopes[#record.scopes + 1] = scope
  for _, period in ipairs(periods) do
    local cap, warn_at = tonumber(ARGV[index + 1 + period[3]]), tonumber(ARGV[index + 2 + period[3]])
    local spent, reserved = sums_of(period[2], scope)
    local left = period[1] == 'day' and day_left or month_left
    if cap and cap > 0 and worst > cap then return {'never', scope, period[1]} end
    if cap and spent + worst > cap then
      if not over or left > over[4] then over = {'over', scope, period[1], left} end
    elseif cap and spent + reserved + worst > cap then
      must_wait = true
    end
    if warn_at and spent + reserved + worst > warn_at then soft[#soft + 1] = { period[2], scope, period[1] } end
  end
end
if over then return over end
if must_wait then return {'wait'} end

local reached = {}
for _, each in ipairs(soft) do
  if redis.call('HSETNX', period_key(each[1]), 'warned ' .. each[2], now) == 1 then
    reached[#reached + 1] = each[3] .. ' ' .. each[2]
  end
end
if reached[1] then record.reached = reached end
redis.call('HSET', RESERVED, id, cjson.encode(record))
redis.call('ZADD', OPEN, now, id)
add_to_sums(record, 'reserved', record.worst, '')
return {'ok', now, unpack(reached)}
