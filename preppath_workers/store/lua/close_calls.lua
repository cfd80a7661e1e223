-- needs: ledger
--
-- Stores what paid requests cost, even if another worker owns their jobs by now: the ledger must have all that was paid for.
-- `checkpoint` does the same together with a step's result.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2…] pairs: a job's id, and a call as in ledger.lua (JSON)
--
-- Returns {"ok"}.

redis.call('LTRIM', WAIT, '0', '-1') -- out of memory: as in claiming.lua
for index = 2, #ARGV, 2 do close_call(ARGV[index], ARGV[index + 1]) end
return {'ok'}
