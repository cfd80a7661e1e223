-- The queue's own limit of model tokens a minute: a bucket of that many, which refills evenly. `left` may be less than 0:
-- requests that are yet to be sent have acquired more than there was.
local MODEL_TOKENS = base .. 'model_tokens'

local MINUTE = 60000

-- What the bucket holds now.
local function model_tokens_left(limit)
  local stored = redis.call('HMGET', MODEL_TOKENS, 'left', 'at')
  local left, at = tonumber(stored[1]), tonumber(stored[2])
  if not left or not at then return limit end
  return math.min(limit, left + math.max(0, now - at) * limit / MINUTE)
end

local function store_model_tokens(left)
  redis.call('HSET', MODEL_TOKENS, 'left', string.format('%.0f', left), 'at', timestamp)
  redis.call('PEXPIRE', MODEL_TOKENS, 10 * MINUTE)
end
