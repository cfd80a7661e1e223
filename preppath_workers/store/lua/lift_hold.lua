-- Ends a hold of the budget, which has room again.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  the amount for which the queue is held, as the gate's `heldFor` has it: another hold stays
--
-- Returns {1}, or {0} if there is no such hold.

if redis.call('HGET', GATE, 'heldFor') ~= ARGV[2] then return {0} end
redis.call('HDEL', GATE, 'heldUntil', 'heldSetAt', 'heldReason', 'heldFor')
return {1}
