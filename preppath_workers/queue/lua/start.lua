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

-- Who is on nobody's books has to register, and where more jobs wait there may be a more urgent one.
local known = redis.call('HMGET', instance_key(instance), 'slots', 'gone')
local is_known = (integer(known[1]) or 0) > tonumber(slot) and not known[2]
if not is_known or redis.call('EXISTS', META, WAIT) > 0 then return {'again'} end
local owner = instance .. ':' .. slot
local id = redis.call('LINDEX', active_key(owner), '-1')
if not id then return {'none'} end
return {start_first(owner, id, limit, duration)}
