-- Calls (JSON) that a janitor has yet to write to PostgreSQL, oldest at the left.
local COST_ROWS = base .. 'cost_rows'
--: The most calls in the list; further ones are only counted.
local MOST_ROWS = 250000

-- Lists a call, if it asks for that (`rows`). One whose unknown cost becomes known is listed again.
local function list_row(call, text)
  if not call.rows then return end
  if redis.call('LLEN', COST_ROWS) >= MOST_ROWS then return count('costRowsDropped') end
  redis.call('RPUSH', COST_ROWS, text)
end
