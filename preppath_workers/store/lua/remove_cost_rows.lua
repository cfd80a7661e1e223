-- needs: cost_rows
--
-- Removes calls from the list of those that are to become rows of PostgreSQL, once they are: the oldest ones, as long as
-- they are the given ones. Another process may have removed them, and then nothing of what follows is given up.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2…] calls (JSON) as they were listed, oldest first
--
-- Returns {"ok", how many were removed}.

local removed = 0
for index = 2, #ARGV do
  if redis.call('LINDEX', COST_ROWS, '0') ~= ARGV[index] then break end
  redis.call('LPOP', COST_ROWS)
  removed = removed + 1
end
return {'ok', removed}
