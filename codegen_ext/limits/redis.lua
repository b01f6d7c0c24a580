-- The shared place in Redis. One call is one action on the buckets of one scope, and nothing else happens meanwhile.
-- The rules are those of plan.py and primary.py, which say why; the tests compare the two step by step.
--
-- KEYS: life, peers, then the log (a sorted set of tickets by moment) and the gate (a hash) of each bucket
-- ARGV: action, number of buckets, requests and window of each bucket, then what the action needs
-- All moments are microseconds of this server's clock.

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local LIFE_MS, PEER, LATENESS = 86400000, 60000000, 200

local buckets = {}
for i = 1, tonumber(ARGV[2]) do
  buckets[i] = {
    log = KEYS[1 + 2 * i],
    gate = KEYS[2 + 2 * i],
    requests = tonumber(ARGV[1 + 2 * i]),
    window = tonumber(ARGV[2 + 2 * i]),
  }
end
local rest = 2 + 2 * #buckets

local function open(bucket)
  local gate = redis.call('HMGET', bucket.gate, 'closed', 'seen')
  bucket.closed = tonumber(gate[1] or 0)
  local seen = tonumber(gate[2] or 0)
  if now < seen then
    -- The server's clock was set back. What lay in a window still does, as if it had just been booked.
    local entries = redis.call('ZRANGE', bucket.log, 0, -1, 'WITHSCORES')
    for i = 1, #entries, 2 do
      redis.call('ZADD', bucket.log, entries[i + 1] - (seen - now), entries[i])
    end
    bucket.closed = bucket.closed - (seen - now)
    redis.call('HSET', bucket.gate, 'closed', string.format('%.0f', bucket.closed))
    redis.call('HSET', bucket.gate, 'seen', string.format('%.0f', now))
  end
  redis.call('ZREMRANGEBYSCORE', bucket.log, '-inf', now - bucket.window)
end

-- The moments in a bucket, in order, but not that of this ticket.
local function load(bucket, ticket)
  bucket.moments = {}
  if redis.call('ZCARD', bucket.log) < bucket.requests then
    return -- what are fewer than the limit keep nobody waiting
  end
  local entries = redis.call('ZRANGE', bucket.log, 0, -1, 'WITHSCORES')
  for i = 1, #entries, 2 do
    if entries[i] ~= ticket then
      table.insert(bucket.moments, tonumber(entries[i + 1]))
    end
  end
end

local function earliest(bucket, start)
  local moments, requests, window = bucket.moments, bucket.requests, bucket.window
  for i = 1, #moments - requests + 1 do
    local first, last = moments[i], moments[i + requests - 1]
    if last - first < window and last - window < start and start < first + window then
      start = first + window
    end
  end
  return start
end

local function earliest_of(all, start)
  while true do
    local moment = start
    for _, bucket in ipairs(all) do
      moment = earliest(bucket, moment)
    end
    if moment == start then
      return moment
    end
    start = moment
  end
end

local function due(bucket)
  local went = 0
  while bucket.moments[went + 1] and bucket.moments[went + 1] <= now do
    went = went + 1
  end
  return went >= bucket.requests and bucket.moments[went - bucket.requests + 1] + bucket.window or now
end

-- Note when the clock was read, and let nothing stay for longer than it matters.
local function keep(bucket)
  local last = tonumber(redis.call('ZREVRANGE', bucket.log, 0, 0, 'WITHSCORES')[2] or now)
  local ms = math.ceil((math.max(last, now) + bucket.window - now) / 1000) + 1000
  redis.call('PEXPIRE', bucket.log, ms)
  redis.call('HSET', bucket.gate, 'seen', string.format('%.0f', now))
  redis.call('PEXPIRE', bucket.gate, math.max(ms, math.ceil((bucket.closed - now) / 1000)))
end

-- The name of this place: another one when it was emptied, or when it began anew with what a disk still had.
local function life(nonce)
  local info = redis.pcall('INFO', 'server')
  local run = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
  local name = redis.call('GET', KEYS[1])
  if not name or string.match(name, '^(%x*):') ~= run then
    name = run .. ':' .. nonce
    redis.call('SET', KEYS[1], name, 'PX', LIFE_MS)
  end
  return name
end

-- Note that a process is here, and count those that are.
local function register(process)
  redis.call('ZADD', KEYS[2], now, process)
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - PEER)
  redis.call('PEXPIRE', KEYS[2], PEER / 1000)
  redis.call('PEXPIRE', KEYS[1], LIFE_MS)
  return redis.call('ZCARD', KEYS[2])
end

local actions = {}

-- ticket, budget (empty: none), after, process, known life -> life, wait, booked, peers, totals
function actions.take(ticket, budget, after, process, known)
  local name = life(ticket)
  if known ~= '' and known ~= name then
    return { name }
  end
  local peers = register(process)

  local start, placed, scattered = now + tonumber(after), nil, false
  for i, bucket in ipairs(buckets) do
    open(bucket)
    start = math.max(start, bucket.closed)
    local moment = tonumber(redis.call('ZSCORE', bucket.log, ticket) or nil)
    scattered = scattered or not moment or (i > 1 and moment ~= placed)
    placed = moment
  end

  if scattered or placed <= now or placed < start then
    for _, bucket in ipairs(buckets) do
      load(bucket, ticket)
    end
  end

  local moment
  if scattered then
    moment = earliest_of(buckets, start)
  elseif placed > now then
    moment = placed >= start and placed or earliest_of(buckets, start)
  else
    local free, window = start, math.huge
    for _, bucket in ipairs(buckets) do
      free = math.max(free, due(bucket))
      window = math.min(window, bucket.window)
    end
    local late = now - placed > math.floor(window / LATENESS)
    moment = (free > now or late) and free or placed
  end

  local wait = math.max(0, moment - now)
  local booked = budget == '' or wait <= tonumber(budget)
  local totals = {}
  for i, bucket in ipairs(buckets) do
    if booked then
      redis.call('ZADD', bucket.log, moment, ticket)
    else
      redis.call('ZREM', bucket.log, ticket)
    end
    keep(bucket)
    totals[i] = redis.call('ZCARD', bucket.log)
  end
  return { name, wait, booked and 1 or 0, peers, totals }
end

-- ticket
function actions.release(ticket)
  for _, bucket in ipairs(buckets) do
    redis.call('ZREM', bucket.log, ticket)
  end
end

-- period
function actions.close(period)
  for _, bucket in ipairs(buckets) do
    open(bucket)
  end
  local first, ending = buckets[1], now + tonumber(period)
  if ending <= math.max(first.closed, now) then
    return
  end
  first.closed = ending
  redis.call('HSET', first.gate, 'closed', string.format('%.0f', ending))

  local waiting = redis.call('ZRANGEBYSCORE', first.log, '(' .. string.format('%.0f', now), '+inf', 'WITHSCORES')
  if waiting[2] and tonumber(waiting[2]) < ending then
    local theirs = {}
    for i = 1, #waiting, 2 do
      theirs[i] = {}
      for _, bucket in ipairs(buckets) do
        if redis.call('ZREM', bucket.log, waiting[i]) == 1 then
          table.insert(theirs[i], bucket)
        end
      end
    end
    for i = 1, #waiting, 2 do
      local start = ending
      for _, bucket in ipairs(theirs[i]) do
        load(bucket)
        start = math.max(start, bucket.closed)
      end
      local moment = earliest_of(theirs[i], start)
      for _, bucket in ipairs(theirs[i]) do
        redis.call('ZADD', bucket.log, moment, waiting[i])
      end
    end
  end
  for _, bucket in ipairs(buckets) do
    keep(bucket)
  end
end

-- nonce, then for each bucket the number of tickets, and each ticket with its age -> life
function actions.replay(nonce, ...)
  local name = life(nonce)
  local words, at = { ... }, 1
  for _, bucket in ipairs(buckets) do
    open(bucket)
    local count = tonumber(words[at])
    for i = at + 1, at + 2 * count, 2 do
      redis.call('ZADD', bucket.log, now - tonumber(words[i + 1]), words[i])
    end
    at = at + 2 * count + 1
    keep(bucket)
  end
  return name
end

-- for each bucket: places in the window, the oldest (0: none), the next free moment, the end of a closure, now
function actions.status()
  local answer = {}
  for i, bucket in ipairs(buckets) do
    open(bucket)
    load(bucket)
    local oldest = redis.call('ZRANGE', bucket.log, 0, 0, 'WITHSCORES')[2] or 0
    local free = earliest(bucket, math.max(now, bucket.closed))
    answer[i] = { redis.call('ZCARD', bucket.log), tonumber(oldest), free, bucket.closed, now }
  end
  return answer
end

return actions[ARGV[1]](unpack(ARGV, rest + 1))
