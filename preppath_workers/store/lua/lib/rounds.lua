-- needs: later, jobs
--
-- Fairness: within one priority, users take turns. A waiting job has a round, and `wait` is ordered by priority and
-- round. The next job of a user gets the round after that of the user's last waiting job. The first job of a user joins the
-- round being served, which is the one before the first that waits, so it starts next. That closes the round: the next such
-- user gets the round after it. Otherwise a stream of new users would keep everyone's second job from starting.
--
-- FAIR has the field `by`: the field of the data that identifies the user. Jobs of a queue without it, and jobs that were
-- requeued, have round 0. A job's field `turn`: its round and its user, separated by a space.

-- Two kinds of members. "<priority> <user>", for each user with waiting jobs or with one in the round being served, is scored
-- by priority and round of the user's last job. "<priority>" is scored by the last round that was closed. Members of rounds
-- that are over are removed.
local TURNS = base .. 'turns'

--: A longer name of a user is replaced by its SHA-1.
local LONGEST_USER = 64

--: Entries of the index that are checked one by one: more than there are slots that reserve jobs at the same time.
local ONE_BY_ONE = 100

--: The most entries of `wait` among which one call looks for a user's previous job.
local SEARCHED = 200

-- The score of the jobs of a priority and round. 15 digits are exact.
local function score_of(priority, round)
  return round == 0 and priority or string.format('%d.%012d', priority, round)
end

local function round_of(score)
  local number = tonumber(score)
  return math.floor((number - math.floor(number)) * 1e12 + 0.5)
end

-- A job's round, and its user if users took turns when it was placed.
local function read_turn(turn)
  local round, user = string.match(turn or '', '^(%d+) ?(.*)$')
  return integer(round) or 0, user
end

local function turn_of(id) return read_turn(field_of(id, 'turn')) end

-- Whether an entry of the index still waits in its round. A job that waits again, but is not placed yet, has none.
local function waits_in_round(id, score)
  local job = fields_of(id, 'state', 'turn')
  return job[1] == 'waiting' and (read_turn(job[2])) == round_of(score)
end

-- The name of the field that identifies the user; nil if users don't take turns. Read once in a call.
local fair_by
local function user_field()
  if fair_by == nil then
    local field = redis.pcall('HGET', FAIR, 'by')
    fair_by = type(field) == 'string' and field
  end
  return fair_by or nil
end

-- Jobs whose data doesn't have the field, as a text or number, share one turn.
local function user_of(data)
  local is_json, object = pcall(cjson.decode, data)
  if not is_json then -- half a surrogate pair, see strict_json.lua
    is_json, object = pcall(cjson.decode, (string.gsub(data, '\\u[dD][89a-fA-F]%x%x', '?')))
  end
  local user = is_json and type(object) == 'table' and object[user_field()]
  if type(user) ~= 'string' and type(user) ~= 'number' then return '' end
  user = tostring(user)
  return #user > LONGEST_USER and redis.sha1hex(user) or user
end

-- Whether the entry of the index at this rank is the last of a round that still has a waiting job.
local function is_live(rank)
  local entry = redis.call('ZRANGE', PRIORITY_INDEX, rank, rank, 'WITHSCORES')
  return entry[1] and waits_in_round(entry[1], entry[2])
end

-- The first round of a priority that has a waiting job; nil if none has. Removes the entries of earlier rounds, in which
-- all jobs have started. Among the first entries, a round can be over before an earlier one: users may have joined the
-- earlier one while a slot had reserved its last job. So these are checked one by one, and the others by binary search.
local function first_round(priority)
  local low = redis.call('ZCOUNT', PRIORITY_INDEX, '-inf', priority)
  local past = low + redis.call('ZCOUNT', PRIORITY_INDEX, '(' .. priority, '(' .. priority + 1)
  local first, high = low, past
  while low < past and low < first + ONE_BY_ONE and not is_live(low) do low = low + 1 end
  if low < first + ONE_BY_ONE then high = low end
  while low < high do
    local middle = math.floor((low + high) / 2)
    if is_live(middle) then high = middle else low = middle + 1 end
  end
  local found = low < past and redis.call('ZRANGE', PRIORITY_INDEX, low, low, 'WITHSCORES')
  if low > first then redis.call('ZREMRANGEBYRANK', PRIORITY_INDEX, first, low - 1) end
  local score = found and found[2] or later.first_turn(priority)
  local round = score and round_of(score)
  redis.call('ZREMRANGEBYSCORE', TURNS, priority, '(' .. (round and score_of(priority, round - 1) or priority + 1))
  return round
end

-- The round for a user's next job; the caller places it and calls note_turn with both results. `first`: the result of
-- first_round.
local function next_round(priority, user, first)
  if not first then return 1, 1 end
  local last = redis.call('ZSCORE', TURNS, priority .. ' ' .. user)
  if last then return round_of(last) + 1 end
  local closed = redis.call('ZSCORE', TURNS, priority)
  return math.max(closed and round_of(closed) or 0, first - 1, 1), first
end

local function note_turn(id, priority, user, round, closed)
  redis.call('HSET', job_key(id), 'turn', round .. ' ' .. user)
  redis.call('ZADD', TURNS, score_of(priority, round), priority .. ' ' .. user)
  if closed then redis.call('ZADD', TURNS, 'GT', score_of(priority, closed), priority) end
end

-- The round of the user's last job ahead of a job; nil if there is none. `position`: that of the job, from the left of
-- `wait`; nil if it is in LATER. If SEARCHED entries have no job of the user, returns the round of the last of them: the
-- user's cannot be later.
local function round_ahead(id, priority, user, position)
  local entries = position and redis.call('LRANGE', WAIT, position + 1, position + SEARCHED) or later.ahead_of(id, SEARCHED)
  local round, its_user
  for _, entry in ipairs(entries) do
    round, its_user = turn_of(entry)
    if round == 0 or priority_of(entry) ~= tonumber(priority) then return nil end
    if its_user == user then return round end
  end
  return #entries == SEARCHED and round or nil
end

-- Takes back the turn of a job that leaves without having started. `position` as in round_ahead. If the job was its user's
-- last one, the one before it becomes the last, so that a user who cancels jobs need not wait for their rounds.
local function give_up_turn(id, priority, position)
  local round, user = turn_of(id)
  if round == 0 then return end
  local member = priority .. ' ' .. user
  local last = redis.call('ZSCORE', TURNS, member) -- first: the key may have another type
  redis.call('HDEL', job_key(id), 'turn')
  if not last or round_of(last) ~= round then return end
  local ahead = round_ahead(id, priority, user, position)
  if ahead then redis.call('ZADD', TURNS, score_of(priority, ahead), member) else redis.call('ZREM', TURNS, member) end
end
