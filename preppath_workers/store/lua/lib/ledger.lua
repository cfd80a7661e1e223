-- needs: calendar, cost_rows

-- The ledger of paid requests. A request is a call with an id, in its job's hash as `call:<id>` (JSON). Its kind is `open`
-- before it is sent. Then it gets its cost and becomes `actual`, `estimated`, `unknown` (no answer came: it counts with the
-- most that it can have cost), or `void` (not charged: the entry is deleted).
--
-- Sums of a day are kept for a limited time: `spent:<day>` by model, `spent:<day>:users…` by user. `spent` has those of all
-- days by model, for metrics. Costs are nano-dollars.
local SPENT = base .. 'spent'

--: The most calls in a job's hash. The oldest are removed; the job's sums still include them.
local MOST_CALLS = 100
--: The most fields of a hash of sums. Further models are counted as `other`.
local MOST_FIELDS = 2000
--: The most unknown calls of a day that are listed one by one.
local MOST_UNKNOWN = 1000
--: How long sums are kept if the call doesn't say (s): 90 days.
local KEEP = 7776000

local function whole(number) return number == 0 and '0' or string.format('%.0f', number) end -- never "-0"

-- Removes one word from a field that holds words with spaces between them.
local function remove_word(key, field, word)
  local rest, found = {}, false
  for each in string.gmatch(redis.call('HGET', key, field) or '', '%S+') do
    if each == word then found = true else rest[#rest + 1] = each end
  end
  if not found then return end
  if #rest == 0 then redis.call('HDEL', key, field) else redis.call('HSET', key, field, table.concat(rest, ' ')) end
end

local function add_word(key, field, word)
  local words = redis.call('HGET', key, field)
  redis.call('HSET', key, field, words and words .. ' ' .. word or word)
end

-- Adds a call to sums by model, or takes it away if `sign` is -1.
local function add_to_models(key, call, sign)
  local model = string.gsub(string.sub(call.model or 'unknown', 1, 100), '%s', '_')
  local function add_measure(name, amount)
    if not amount or amount == 0 then return end
    local field = model .. ' ' .. name
    if redis.call('HLEN', key) >= MOST_FIELDS and redis.call('HEXISTS', key, field) == 0 then field = 'other ' .. name end
    redis.call('HINCRBY', key, field, whole(sign * amount))
  end
  if call.kind == 'unknown' then
    add_measure('unknownCalls', 1)
    add_measure('unknown', call.nano)
    return
  end
  add_measure('calls', 1)
  add_measure('nano', call.nano)
  if not call.nano then add_measure('unpriced', 1) end
  if call.kind == 'estimated' then add_measure('estimated', 1) end
  for kind, count in pairs(call.tokens or {}) do add_measure(kind, count) end
  add_measure('reasoning', call.reasoning)
  add_measure('ms', (call.seconds or 0) * 1000)
  add_measure('characters', call.characters)
end

local function add_to_users(key, call, sign)
  if not call.user then return end
  local is_unknown = call.kind == 'unknown'
  local function add_measure(name, amount)
    if amount and amount ~= 0 then redis.call('ZINCRBY', key .. name, whole(sign * amount), call.user) end
  end
  add_measure(is_unknown and ':unknown' or ':nano', call.nano)
  if not is_unknown then add_measure(':calls', 1) end
end

-- Adds a call to all sums and to the list of unknown ones, or takes it away.
local function tally(call, text, sign)
  local day, keep = SPENT .. ':' .. date_of(call.at), call.keep or KEEP
  add_to_models(SPENT, call, sign)
  add_to_models(day, call, sign)
  add_to_users(day .. ':users', call, sign)
  if call.kind == 'unknown' then
    if sign < 0 then
      redis.call('HDEL', day .. ':unknown', call.id)
    elseif redis.call('HLEN', day .. ':unknown') < MOST_UNKNOWN then
      redis.call('HSET', day .. ':unknown', call.id, text)
    end
  end
  for _, name in ipairs({ '', ':users:nano', ':users:calls', ':users:unknown', ':unknown' }) do
    redis.call('EXPIRE', day .. name, keep)
  end
end

-- Adds a call to its job's own sums, or takes it away.
local function add_to_job(key, call, sign)
  if call.kind == 'unknown' then
    redis.call('HINCRBY', key, 'unknownCost', whole(sign * (call.nano or 0)))
  else
    redis.call('HINCRBY', key, 'cost', whole(sign * (call.nano or 0)))
    redis.call('HINCRBY', key, 'calls', sign)
  end
end

-- Stores what a call cost (JSON). No-op if that is stored already: a worker repeats the call if the answer is lost. Only an
-- unknown cost is replaced, when it becomes known after all.
local function close_call(id, text)
  local key, call = job_key(id), cjson.decode(text)
  local field = 'call:' .. call.id
  local stored = field_of(id, field)
  local before = stored and cjson.decode(stored)
  if before and before.kind ~= 'open' and (before.kind ~= 'unknown' or call.kind == 'unknown') then return end
  if not before then
    if not call.at then return end -- it was never opened
    -- The job is gone or no longer keeps the call, so the day's sets tell whether it was counted.
    local day = SPENT .. ':' .. date_of(call.at)
    local unknown = redis.call('HGET', day .. ':unknown', call.id)
    if unknown and call.kind == 'unknown' then return end
    if unknown then
      tally(cjson.decode(unknown), unknown, -1)
      if call.kind == 'void' then list_row(call, text) end
    end
    if call.kind == 'void' then return end
    if redis.call('SADD', day .. ':late', call.id) == 0 and not unknown then return end
    redis.call('EXPIRE', day .. ':late', call.keep or KEEP)
    tally(call, text, 1)
    list_row(call, text)
    return
  end
  remove_word(key, 'openCalls', call.id)
  if before.kind == 'unknown' then
    tally(before, stored, -1)
    add_to_job(key, before, -1)
    if call.kind == 'void' then list_row(call, text) end
  end
  if call.kind == 'void' then
    redis.call('HDEL', key, field)
    remove_word(key, 'callIds', call.id)
    return
  end
  redis.call('HSET', key, field, text)
  tally(call, text, 1)
  add_to_job(key, call, 1)
  list_row(call, text)
end

-- Stores a job's open calls as unknown: their worker is gone, and the requests may have been answered and charged.
local function close_open_calls(id)
  local key = job_key(id)
  for call_id in string.gmatch(redis.call('HGET', key, 'openCalls') or '', '%S+') do
    local text = redis.call('HGET', key, 'call:' .. call_id)
    local call = text and cjson.decode(text)
    if call and call.kind == 'open' then
      call.kind, call.nano = 'unknown', call.worst
      close_call(id, cjson.encode(call))
    else
      remove_word(key, 'openCalls', call_id)
    end
  end
end
