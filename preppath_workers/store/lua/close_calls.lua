-- needs: ledger
--
-- Stores what paid requests cost, whoever owns their jobs by now: what was paid for is in the ledger. `checkpoint` does the
-- same together with a step's result.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2…] pairs: a job's id, and a call as in ledger.lua (JSON)
--
-- Returns {"ok"}.

redis.call('LTRIM', WAIT, '0', '-1') -- out of memory: as in claiming.lua
for index = 2, #ARGV, 2 do close_call(ARGV[index], ARGV[index + 1]) end
return {'ok'}
