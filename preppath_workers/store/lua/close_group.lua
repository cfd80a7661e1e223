-- Closes a group: it gets no more jobs, so it ends when all of its jobs have ended. Not needed for a group whose jobs were
-- added with its size.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  group
--
-- Returns {"open", {field, value, …}} with the group's hash if some of its jobs have not ended; {"ended", …} if all have;
-- {"unknown"} if there is no such group.

-- needs: groups

local group = ARGV[2]

local before = read_group(group)
if not before then return {'unknown'} end
redis.call('HSET', group_key(group), 'closed', '1')
if not before.has_ended then end_group(group) end
return {before.open > 0 and 'open' or 'ended', redis.call('HGETALL', group_key(group))}
