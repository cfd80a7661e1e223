-- needs: layout

-- Advances the queue's epoch, and notices if Redis is behind the epoch that the caller has seen, at that time (ms): a
-- failover or a restore has then lost its latest writes. `seen` is 0 if the caller has seen none.
--
-- Returns {epoch, time, lost, layout}: when a loss of writes was last noticed (ms; 0 for never), and how many ms of writes
-- were lost then, -1 if all were; and the version of the queue's layout, which a newer release may have changed. Returns
-- {error} if the key was edited by hand.
local function advance_epoch(seen, seen_at)
  local known = redis.pcall('HMGET', META, 'epoch', 'epochAt', 'lossAt', 'lossMs', 'layout')
  if known.err then return {known.err} end
  local epoch, at = integer(known[1]) or 0, integer(known[2])
  local loss_at, loss_ms = integer(known[3]) or 0, integer(known[4]) or 0
  if epoch < seen then
    -- Far ahead: what other instances have seen may be higher still, and this loss is noticed once.
    epoch = seen + 1000
    loss_at, loss_ms = now, at and math.max(0, seen_at - at) or -1
    redis.call('HSET', META, 'lossAt', timestamp, 'lossMs', loss_ms)
  end
  epoch = epoch + 1
  redis.call('HSET', META, 'epoch', epoch, 'epochAt', timestamp)
  return {epoch, loss_at, loss_ms, known[5] or FIRST_LAYOUT}
end
