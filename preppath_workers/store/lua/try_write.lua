-- Writes a field and takes it back. Workers' transitions may go on while a server is out of memory, but producers' do
-- not: this one is refused whenever any is.
--
-- KEYS[1]  base
-- ARGV[1]  now
--
-- Returns {"ok"}; a server that takes no writes answers with its error: OOM, READONLY, MISCONF, NOREPLICAS, …

redis.call('HSET', GATE, 'tryWrite', '1')
redis.call('HDEL', GATE, 'tryWrite')
return {'ok'}
