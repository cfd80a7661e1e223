-- needs: layout

-- Advances the queue's epoch. If it is behind the one that the caller saw last, a failover or a restore has lost the latest
-- writes. `seen` is that epoch, 0 if the caller has seen none; `seen_at` is when it saw it (ms).
--
-- Returns {epoch, loss_at, loss_ms, layout}: when a loss was last noticed (ms; 0 for never), how many ms of writes it lost
-- (-1 for all), and the version of the queue's layout, which a newer release may have changed. Returns {error} if the key
-- was edited by hand.
local function advance_epoch(seen, seen_at)
  local known = redis.pcall('HMGET', META, 'epoch', 'epochAt', 'lossAt', 'lossMs', 'layout')
  if known.err then return {known.err} end
  local epoch, at = integer(known[1]) or 0, integer(known[2])
  local loss_at, loss_ms = integer(known[3]) or 0, integer(known[4]) or 0
  if epoch < seen then
    -- Far ahead: other instances may have seen a higher epoch, and must not notice the same loss again.
    epoch = seen + 1000
    loss_at, loss_ms = now, at and math.max(0, seen_at - at) or -1
    redis.call('HSET', META, 'lossAt', timestamp, 'lossMs', loss_ms)
  end
  epoch = epoch + 1
  redis.call('HSET', META, 'epoch', epoch, 'epochAt', timestamp)
  return {epoch, loss_at, loss_ms, known[5] or FIRST_LAYOUT}
end
