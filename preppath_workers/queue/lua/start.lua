-- needs: instances, first_starts
--
-- Starts the job that a pop has just put into the slot's hand, as claim.lua would. Like turn.lua it knows no more than
-- it must: an idle child is waiting, and with it whoever has just added a job.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  instance
-- ARGV[3]  slot number
-- ARGV[4]  the rate limit's maximum; 0 for no limit
-- ARGV[5]  the rate limit's duration (ms)
--
-- Returns one of:
--   {"first", …}, {"wait", ms}, {"again"}  as start_first says in first_starts.lua
--   {"none"}                               the pop brought nothing

local instance, slot, limit, duration = ARGV[2], ARGV[3], ARGV[4], ARGV[5]

-- Who is on nobody's books has to register.
local slots, gone = slots_of(instance)
if gone or slots <= tonumber(slot) then return {'again'} end
if redis.call('EXISTS', META, WAIT) > 0 then
  -- Where more jobs wait there may be a more urgent one; that notices are wanted is no reason.
  local closed = redis.call('HMGET', META, 'paused', 'heldUntil', 'outOfService')
  if closed[1] or closed[2] or closed[3] or redis.call('EXISTS', WAIT) == 1 then return {'again'} end
end
local owner = instance .. ':' .. slot
local id = redis.call('LINDEX', active_key(owner), '-1')
if not id then return {'none'} end
return {start_first(owner, id, limit, duration)}
