-- needs: gate, outage
--
-- Ends a pause and a hold. A queue that is out of service stays so until a probe succeeds, but the next probe may start
-- now.
--
-- KEYS[1]  base
-- ARGV[1]  now
--
-- Returns {"ok"}.

redis.call('HDEL', GATE, 'paused', 'heldUntil', 'heldSetAt', 'heldReason', 'heldFor')
if read_gate().outOfService then set_probe({}, now) end
return {'ok'}
