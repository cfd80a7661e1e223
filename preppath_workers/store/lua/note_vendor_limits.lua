-- Stores what a vendor's answer says about its rate limits, for all workers of the queue, and slows the starts down before
-- the vendor refuses requests.
--
-- A vendor's limit is a token bucket that refills evenly, and that other programs may use too. While more than RESERVE of it
-- is left, jobs start as fast as it refills; below that, the less is left, the slower they start. So the level settles where
-- use and refill balance, also if others use the bucket.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  how long ago the request was sent (ms): the answer describes the limits at that moment
-- ARGV[3]  the tokens that the request used; 0 if unknown
-- ARGV[4]  the configured rate limit's maximum; 0 for no limit
-- ARGV[5]  the configured rate limit's duration (ms)
-- ARGV[6…] for each limit, four: its name (`requests` or `tokens`), the limit, what is left of it, and how long until
--          all of it is back (ms)
--
-- Returns {"ok"}, or {"stale"} if a later request has been answered already. A repeated call changes only the number of
-- answers.

-- needs: vendor_limit

--: The fraction of a limit below which jobs start more slowly, and the slowest pace, as a fraction of the refill's.
local RESERVE, SLOWEST = 0.1, 0.05
--: With this fraction left, a limit of tokens counts as full: its reset times are too coarse to conclude anything from.
local FULL = 0.9
--: A limit's span is the time in which all of it refills (ms): the one assumed until an answer shows it, and the shortest and
--: the longest that are believed.
local USUAL_SPAN, SHORTEST_SPAN, LONGEST_SPAN = 60000, 1000, 86400000
--: Shorter reset times are too coarse to conclude the span from (ms).
local FINE_ENOUGH = 20
--: The fewest answers from which the tokens per request are measured, and the weight of a new measurement in their mean.
local ENOUGH, WEIGHT = 5, 0.3
--: How long a vendor's limits are kept (ms).
local KEEP = 3600000

local sent, used = now - tonumber(ARGV[2]), tonumber(ARGV[3])
local known = {}
local fields = {
  'sentAt', 'tokensPerRequest', 'requestsSpan', 'tokensSpan', 'seenAt', 'seenLimit', 'seenTokens', 'seenAnswers',
}
for index, value in ipairs(redis.call('HMGET', VENDOR, unpack(fields))) do known[fields[index]] = tonumber(value) end
local answers = redis.call('HINCRBY', VENDOR, 'answers', '1')
redis.call('PEXPIRE', VENDOR, KEEP)
if known.sentAt and sent < known.sentAt and known.sentAt <= now then return {'stale'} end

-- The limits, by name: limit, left, span (ms).
local limits = {}
for index = 6, #ARGV, 4 do
  local name, limit = ARGV[index], tonumber(ARGV[index + 1])
  local left, reset = tonumber(ARGV[index + 2]), tonumber(ARGV[index + 3])
  local span = known[name .. 'Span'] or math.min(USUAL_SPAN, known.requestsSpan or known.tokensSpan or USUAL_SPAN)
  local is_measured = left < limit and reset >= FINE_ENOUGH
  if is_measured then span = reset * limit / (limit - left) end
  span = math.max(SHORTEST_SPAN, math.min(span, LONGEST_SPAN))
  limits[name] = {limit = limit, left = left, span = span, is_measured = is_measured}
end

-- How many tokens the vendor counts for a request. It may count the longest answer that is allowed instead of the one that
-- was given, so this is measured: what the limit lost per answer, others' use included. Until there is a measurement, the
-- tokens that the answers report are used.
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
  if limit.is_measured then redis.call('HSET', VENDOR, name .. 'Span', string.format('%.0f', limit.span)) end
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
