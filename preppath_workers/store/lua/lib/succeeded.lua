-- Does work: records that the job `id` with this `key` has succeeded with `result`. `may_have_group` says afterwards
-- whether it may be in a group.
local new_fields = redis.call('HSET', key, 'state', 'completed', 'result', result, 'progress', '100',
  'finishedAt', timestamp)
-- With fewer than three new fields, `progress` was set: by the handler, because a client waits for the job (wait.lua), or
-- because it is in a group. The announcement is that of ended.lua.
local may_have_group = new_fields < 3
if may_have_group and redis.call('HGET', key, 'awaited') then
  redis.pcall('RPUSH', base .. 'ended:' .. id, 'completed')
  redis.pcall('PEXPIRE', base .. 'ended:' .. id, '60000')
end
