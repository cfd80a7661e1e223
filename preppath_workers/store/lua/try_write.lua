-- Writes a field and deletes it, to find out whether the server accepts writes. A server that is out of memory refuses it, as
-- it refuses a producer's scripts; it may still accept those of workers.
--
-- KEYS[1]  base
-- ARGV[1]  now
--
-- Returns {"ok", its maxmemory-policy}, the latter empty if the user may not ask (INFO). A server that refuses writes answers
-- with its error: OOM, READONLY, MISCONF, NOREPLICAS, …

redis.call('HSET', GATE, 'tryWrite', '1')
redis.call('HDEL', GATE, 'tryWrite')
local memory = redis.pcall('INFO', 'memory')
return { 'ok', type(memory) == 'string' and string.match(memory, 'maxmemory_policy:([%w-]+)') or '' }
