-- needs: cancelling, reservations, outage

-- Ends an active job instead of settling it, if it was cancelled meanwhile. Returns whether it did.
local function end_if_cancelled(id, worker_id)
  if not is_cancel_requested(id) then return false end
  redis.call('ZREM', RESERVATIONS, worker_id)
  end_inconclusive_probe(id)
  redis.call('LREM', active_key(worker_id), '1', id)
  end_cancelled(id, KEEP_CANCELLED)
  return true
end
