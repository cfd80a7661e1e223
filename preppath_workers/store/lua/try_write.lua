-- Writes a field and deletes it, to find out whether the server accepts writes. Out of memory, it is refused as a
-- producer's scripts are; those of workers may not be.
--
-- KEYS[1]  base
-- ARGV[1]  now
--
-- Returns {"ok", its maxmemory-policy}, the latter empty if the user may not ask (INFO). A server that refuses writes answers with its error: OOM, READONLY, MISCONF, NOREPLICAS, …

redis.call('HSET', GATE, 'tryWrite', '1')
redis.call('HDEL', GATE, 'tryWrite')
local memory = redis.pcall('INFO', 'memory')
return { 'ok', type(memory) == 'string' and string.match(memory, 'maxmemory_policy:([%w-]+)') or '' }
