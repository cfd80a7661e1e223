-- needs: cost_rows
--
-- Removes calls that are rows of PostgreSQL now from the list of those to write: from its old end, while its entries equal
-- the given ones. If another process has removed them already, the entries behind them stay.
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
