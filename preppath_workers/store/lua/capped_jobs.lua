-- needs: places, capped
--
-- Lists the delayed jobs whose users had no budget left, so that a janitor can check whether a cap was raised. Removes the
-- entries of jobs that are no longer delayed.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  the cursor that the last call returned; 0 to begin
-- ARGV[3]  about how many entries to read
--
-- Returns {cursor, {id, amount (nano-dollars), scope, …}}; the cursor is 0 at the end.

local reply = redis.call('HSCAN', CAPPED, ARGV[2], 'COUNT', ARGV[3])
local found = {}
for index = 1, #reply[2], 2 do
  local id, amount, scope = reply[2][index], string.match(reply[2][index + 1], '^(%d+) (.*)$')
  if amount and redis.call('ZSCORE', DELAYED, id) then
    found[#found + 1] = id
    found[#found + 1] = amount
    found[#found + 1] = scope
  else
    redis.call('HDEL', CAPPED, id)
  end
end
return {tonumber(reply[1]), found}
