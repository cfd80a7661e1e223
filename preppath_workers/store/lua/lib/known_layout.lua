-- needs: layout
--
-- Stops a script that a program in another language keeps, if the queue has a newer layout than the script was made for. The
-- package's own programs check the layout before they call.
local stored = integer(redis.pcall('HGET', META, 'layout'))
if stored and stored > tonumber(LAYOUT) then
  return redis.error_reply(string.format(
    'NEWERLAYOUT the queue has layout %.0f and this script knows %s: print it again with the new release', stored, LAYOUT))
end
