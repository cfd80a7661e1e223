-- Does work and may return: starts the job `following` that the slot has reserved, if it has never started before. That is
-- what nearly every job needs, so there is no function to create, and one text is returned, not a list: Redis converts a
-- list entry by entry, as it does the fields of a hash.
--
-- Uses `worker_id`, `following`, `limit` and `duration` (text); `settled` is "completed", or nil if no job was settled.
-- Returns one of:
--   "<startedAt> <createdAt> <queuedAt> <priority> <id>\n<data>"
--                           the job is started; a missing field is empty
--   {"wait", ms, settled}   there is no token: the slot keeps the job reserved and has to claim again after that time
-- Otherwise the job has started before, doesn't wait, or was overwritten; nothing was changed.
local key = base .. 'job:' .. following
local job = redis.pcall('HMGET', key, 'state', 'fencingToken', 'data', 'priority', 'createdAt', 'queuedAt')
if job[1] == 'waiting' and not job[2] then
  if limit == '0' then
    local attempt, fencing_token = '1', '1'
    -- needs: started
  else
    -- needs: base, starting
    local delay = start(worker_id, following, '1', '1', limit, duration)
    if delay > 0 then return {'wait', delay, settled} end
  end
  return timestamp .. ' ' .. (job[5] or '') .. ' ' .. (job[6] or '') .. ' ' .. (job[4] or '') .. ' ' .. following .. '\n' ..
    (job[3] or '')
end
