-- The moment that is reserved for a slot that found the token bucket empty, see tokens.lua.
local RESERVATIONS = base .. 'reservations'

-- Deletes the reservation of a slot that holds no job. Returns what the script has to return.
local function start_nothing(worker_id)
  redis.call('ZREM', RESERVATIONS, worker_id)
  return {'none'}
end
