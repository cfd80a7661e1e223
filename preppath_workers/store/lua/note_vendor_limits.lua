-- Notes what a vendor's answer told of its rate limits, for all workers of the queue, and slows the starts down before
-- the vendor refuses any.
--
-- A vendor's limit is a bucket that fills up again all the time, and others may take from it too. While it is nearly
-- full, jobs start as fast as it fills; below RESERVE of it the slower, the less is left. So what is left settles at the
-- level where starts and refills balance, also if others take from the bucket.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  how long ago the request was sent (ms): the answer tells the state of that moment
-- ARGV[3]  the tokens that the request used; 0 if unknown
-- ARGV[4]  the configured rate limit's maximum; 0 for no limit
-- ARGV[5]  the configured rate limit's duration (ms)
-- ARGV[6…] for each limit, four: its name (`requests` or `tokens`), the limit, what is left of it, and how long until
--          all of it is back (ms)
--
-- Returns {"ok"}, or {"stale"} if a request that was sent later has been answered before. A repeated call changes
-- no more than the number of answers.

-- needs: vendor_limit

--: The part of a limit below which jobs start more slowly, and the slowest pace, as a part of the pace of the refill.
local RESERVE, SLOWEST = 0.1, 0.05
--: A limit of tokens with this part left is as good as full: its resets are too coarse to conclude anything from.
local FULL = 0.9
--: The span of a limit that doesn't tell it (ms); the shortest and longest that are believed.
local USUAL_SPAN, SHORTEST_SPAN, LONGEST_SPAN = 60000, 1000, 86400000
--: A shorter time until all of a limit is back is too coarse to conclude its span from (ms).
local FINE_ENOUGH = 20
--: The fewest answers that tell how many tokens the vendor counts for a request, and their weight in the mean.
local ENOUGH, WEIGHT = 5, 0.3
--: How long what a vendor told is kept (ms).
local KEEP = 3600000

local sent, used = now - tonumber(ARGV[2]), tonumber(ARGV[3])
local known = {}
local fields = {'sentAt', 'tokensPerRequest', 'requestsSpan', 'tokensSpan', 'seenAt', 'seenLimit', 'seenTokens', 'seenAnswers'}
for index, value in ipairs(redis.call('HMGET', VENDOR, unpack(fields))) do known[fields[index]] = tonumber(value) end
local answers = redis.call('HINCRBY', VENDOR, 'answers', '1')
redis.call('PEXPIRE', VENDOR, KEEP)
if known.sentAt and sent < known.sentAt and known.sentAt <= now then return {'stale'} end

-- The limits, by name: limit, left, span (ms).
local limits = {}
for index = 6, #ARGV, 4 do
  local name, limit, left, reset = ARGV[index], tonumber(ARGV[index + 1]), tonumber(ARGV[index + 2]), tonumber(ARGV[index + 3])
  local span = known[name .. 'Span'] or math.min(USUAL_SPAN, known.requestsSpan or known.tokensSpan or USUAL_SPAN)
  local is_told = left < limit and reset >= FINE_ENOUGH
  if is_told then span = reset * limit / (limit - left) end
  span = math.max(SHORTEST_SPAN, math.min(span, LONGEST_SPAN))
  limits[name] = {limit = limit, left = left, span = span, is_told = is_told}
end

-- How many tokens the vendor counts for a request: it may count the longest answer that is allowed, not the one that was
-- given. So the mean is of what its limit lost per answer, which includes what others took; what the answers tell of their
-- use only serves until that is known.
local mean, tokens = known.tokensPerRequest or used, limits.tokens
local is_seen = tokens and (known.seenLimit ~= tokens.limit or tokens.left >= FULL * tokens.limit)
if tokens and not is_seen and answers - known.seenAnswers >= ENOUGH then
  local taken = known.seenTokens + (sent - known.seenAt) * tokens.limit / tokens.span - tokens.left
  local each = math.max(0, math.min(taken, tokens.limit) / (answers - known.seenAnswers))
  mean, is_seen = mean + WEIGHT * (each - mean), true
end

local pace, burst, longest_span
for name, limit in pairs(limits) do
  redis.call('HSET', VENDOR, name .. 'Limit', limit.limit, name .. 'Left', limit.left)
  if limit.is_told then redis.call('HSET', VENDOR, name .. 'Span', string.format('%.0f', limit.span)) end
  local per_start = name == 'tokens' and mean or 1
  if per_start > 0 and limit.left < FULL * limit.limit or name == 'requests' then
    local share = math.max(SLOWEST, math.min(1, limit.left / (RESERVE * limit.limit)))
    local own_pace, own_burst = share * limit.limit / (limit.span * per_start), limit.left / (2 * per_start)
    pace, burst = math.min(pace or own_pace, own_pace), math.min(burst or own_burst, own_burst)
    longest_span = math.max(longest_span or 0, limit.span)
  end
end
redis.call('HSET', VENDOR, 'sentAt', string.format('%.0f', sent), 'tokensPerRequest', string.format('%.1f', mean))
if is_seen then
  redis.call('HSET', VENDOR, 'seenAt', string.format('%.0f', sent), 'seenLimit', tokens.limit,
    'seenTokens', tokens.left, 'seenAnswers', answers)
end
if not pace then return {'ok'} end

burst = math.max(1, math.floor(burst))
local limit, duration = tonumber(ARGV[4]), tonumber(ARGV[5])
if limit > 0 and limit <= burst and limit / duration <= pace then
  redis.call('HDEL', GATE, 'vendorLimit')
else
  redis.call('HSET', GATE, 'vendorLimit',
    string.format('%.0f %.0f %.0f', burst, math.ceil(burst / pace), now + longest_span))
end
return {'ok'}
