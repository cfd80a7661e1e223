-- needs: meta, notices, ownership, completions

-- Settles a job that succeeded, if it is still the caller's. Returns "completed", also when this very attempt
-- completed it before, or "lost" when it is another's now.
local function complete(id, owner, fence, result, keep, listed)
  local key = job_key(id)
  local state = state_if_ours(id, owner, fence)
  if state == 'completed' then return 'completed' end
  if state ~= 'active' then return 'lost' end
  local meta = read_meta()
  redis.call('LREM', active_key(owner), '1', id)
  note_completion(id, result, listed)
  if are_wanted(meta.notices) then notify(id, 'completed') end
  -- A job that was started since has succeeded: whatever was broken is mended.
  local since = meta.outOfServiceSince
  if since and (integer(redis.call('HGET', key, 'startedAt')) or 0) >= (integer(since) or 0) then
    redis.call('HDEL', META, 'heldUntil', 'heldReason', 'outOfService', 'outOfServiceSince')
  end
  redis.call('PEXPIRE', key, keep)
  return 'completed'
end
