-- The budget: what paid requests have cost and may cost, by scope (`all`, `queue tts`, `user u1`), day and month. It spans
-- queues, so it has a slot of its own: the base of these scripts is that of the queue `budget`. Before a request, the most
-- that it can cost is reserved. A reservation counts for the day on which it was made, however late it is settled.
local RESERVED, OPEN, UNKNOWN = base .. 'budget:reserved', base .. 'budget:open', base .. 'budget:unknown'

--: Time that the sums of a day and of a month are kept after the last change (s): longer than the period itself.
local KEEP_DAY, KEEP_MONTH = 3 * 86400, 40 * 86400

local function period_key(period) return base .. 'budget:' .. period end

-- Adds an amount (nano-dollars, text) to a sum of a reservation's scopes. `sign` is '' or '-'.
local function add_to_sums(record, measure, amount, sign)
  if amount == '0' then return end -- Redis does not accept "-0"
  for _, period in ipairs({ record.day, string.sub(record.day, 1, 7) }) do
    local key = period_key(period)
    -- The day's sums have expired if a reservation is settled long afterwards.
    if measure == 'reserved' and sign == '' or redis.call('EXISTS', key) == 1 then
      for _, scope in ipairs(record.scopes) do redis.call('HINCRBY', key, measure .. ' ' .. scope, sign .. amount) end
      redis.call('EXPIRE', key, #period == 10 and KEEP_DAY or KEEP_MONTH)
    end
  end
end

-- Returns what a scope has spent in a period, unknown costs included, and what it has reserved.
local function sums_of(period, scope)
  local sums = redis.call('HMGET', period_key(period), 'spent ' .. scope, 'unknown ' .. scope, 'reserved ' .. scope)
  return (tonumber(sums[1]) or 0) + (tonumber(sums[2]) or 0), tonumber(sums[3]) or 0
end
