-- needs: places, capped
--
-- Lists delayed jobs whose users had no budget left, for a janitor that looks whether a cap was raised; forgets those that
-- are not delayed any more.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  where to continue; 0 for the beginning
-- ARGV[3]  about how many to look at
--
-- Returns {where to continue, 0 after the last, {id, amount (nano-dollars), scope, …}}.

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
