-- needs: layout
--
-- Checks the call of a program in another language, and stops its script if the queue has a newer layout than the script was
-- made for. The package's own programs need neither: their calls are right, and they check the layout beforehand.
if not string.find(base, '{.+}:$') then
  return redis.error_reply('INVALIDCALL the key must be the base of a queue, such as preppath:{tts}:, not ' .. base)
elseif timestamp ~= '' and not now then
  return redis.error_reply('INVALIDCALL the first argument must be empty')
elseif not ARGV[2] then
  return redis.error_reply('INVALIDCALL expected further arguments after the first, empty one')
end
local stored = integer(redis.pcall('HGET', META, 'layout'))
if stored and stored > tonumber(LAYOUT) then
  return redis.error_reply(string.format(
    'NEWERLAYOUT the queue has layout %.0f and this script knows %s: print it again with the new release', stored, LAYOUT))
end
