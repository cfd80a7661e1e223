-- The fields of a job that other programs may rely on, see queue/README.md. The others are internal, and checkpoints may be
-- large.
local PROMISED = {
  'state', 'data', 'priority', 'createdAt', 'queuedAt', 'startedAt', 'finishedAt', 'expiresAt', 'group',
  'cancelRequestedAt', 'progress', 'stage', 'attempts', 'failures', 'excused', 'recoveries', 'releases', 'replays',
  'workerId', 'result', 'error', 'reason',
}

-- The promised fields that the job has, and their values, with its id: {field, value, …}.
local function promised_fields(id)
  local fields = {'id', id}
  for index, value in ipairs(redis.call('HMGET', job_key(id), unpack(PROMISED))) do
    if value then
      fields[#fields + 1] = PROMISED[index]
      fields[#fields + 1] = value
    end
  end
  return fields
end
