-- Ends a hold that was set because the budget had no room, and has again.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  the hold's amount, as in the gate's field `heldFor`: a hold for another amount stays
--
-- Returns {1}, or {0} if there is no such hold.

if redis.call('HGET', GATE, 'heldFor') ~= ARGV[2] then return {0} end
redis.call('HDEL', GATE, 'heldUntil', 'heldSetAt', 'heldReason', 'heldFor')
return {1}
